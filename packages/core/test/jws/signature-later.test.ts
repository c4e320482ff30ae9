/** Both forms of the signature check give one answer, whatever they are asked, and are counted alike. */
import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifySignature, verifySignatureLater } from '../../src/jws/signature.ts';
import { ALGORITHMS, type AlgorithmName } from '../../src/keys/algorithms.ts';
import { VerificationKey, createVerificationKey } from '../../src/keys/verification-key.ts';
import { freshSeed } from '../support/campaign.ts';
import { ALGORITHM_NAMES, freshKey, testKey } from '../support/keys.ts';
import { malformed } from '../support/malformed-signatures.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { VECTORS_PRESENT, readVectors } from '../support/vectors.ts';

const INPUT = 'header.payload';

describe('verifySignatureLater', () => {
  test.each(ALGORITHM_NAMES)('%s: refuses what verifySignature refuses, and rejects never', async (alg) => {
    const seed = freshSeed();
    const key = testKey(alg);
    const verificationKey = createVerificationKey(key.material);
    for (const signature of malformed(key.sign(INPUT), new SeededRandom(seed))) {
      const name = `seed ${seed}: ${signature.toString('hex').slice(0, 200)}`;
      expect(verifySignature(INPUT, signature, verificationKey), name).toBe(false);
      expect(await verifySignatureLater(INPUT, signature, verificationKey), name).toBe(false);
    }
  });

  test.each(['RS256', 'PS256', 'PS384', 'PS512'] as const)('JO-13: %s without its leading zero is no signature', async (alg) => {
    const key = testKey(alg);
    const verificationKey = createVerificationKey(key.material);
    let input = '';
    let good: Buffer = Buffer.of(1);
    for (let index = 0; good[0] !== 0; index += 1) good = key.sign((input = `${INPUT}.${index}`));
    expect(verifySignature(input, good, verificationKey)).toBe(true);
    expect(verifySignature(input, good.subarray(1), verificationKey)).toBe(false);
    expect(await verifySignatureLater(input, good.subarray(1), verificationKey)).toBe(false);
  });

  test.each(ALGORITHM_NAMES)('%s: refuses another input and another key, accepts the right ones', async (alg) => {
    const key = testKey(alg);
    const [right, wrong] = [key, alg.startsWith('RS') || alg.startsWith('PS') ? testKey(alg, 'other') : freshKey(alg)].map(
      ({ material }) => createVerificationKey(material),
    );
    const signature = key.sign(INPUT);
    expect(await verifySignatureLater(`${INPUT}x`, signature, right!)).toBe(false);
    expect(await verifySignatureLater('', signature, right!)).toBe(false);
    expect(await verifySignatureLater(INPUT, signature, wrong!)).toBe(false);
    expect(await verifySignatureLater(INPUT, signature, right!)).toBe(true);
  });

  test('both forms count one check each, good or bad, short or long', async () => {
    const key = testKey('ES256');
    const verificationKey = createVerificationKey(key.material);
    for (const signature of [key.sign(INPUT), Buffer.alloc(64), Buffer.alloc(3)]) {
      expect(await signatureChecks(() => verifySignature(INPUT, signature, verificationKey))).toBe(1);
      expect(await signatureChecks(() => verifySignatureLater(INPUT, signature, verificationKey))).toBe(1);
    }
  });

  test('the input can be let go at once: what is checked is a copy', async () => {
    const key = testKey('Ed25519');
    const verificationKey = createVerificationKey(key.material);
    const inputs = Array.from({ length: 50 }, (_, index) => `${INPUT}.${index}`);
    const answers = inputs.map((input) => verifySignatureLater(input, key.sign(input), verificationKey));
    expect(await Promise.all(answers)).toEqual(inputs.map(() => true));
  });
});

interface Group {
  readonly publicKeyPem: string;
  readonly tests: readonly { readonly msg: string; readonly sig: string }[];
}

describe.skipIf(!VECTORS_PRESENT)('verifySignatureLater on Wycheproof', () => {
  test.each<[string, AlgorithmName]>([
    ['rsa_signature_2048_sha256', 'RS256'],
    ['rsa_pss_2048_sha256_mgf1_32', 'PS256'],
    ['rsa_pss_2048_sha256_mgf1_0', 'PS256'],
    ['ecdsa_secp256r1_sha256_p1363', 'ES256'],
    ['ecdsa_secp384r1_sha384_p1363', 'ES384'],
    ['ecdsa_secp521r1_sha512_p1363', 'ES512'],
    ['ed25519', 'Ed25519'],
  ])('%s under %s: the same answer to each case as verifySignature', async (file, alg) => {
    const { testGroups } = readVectors<{ testGroups: readonly Group[] }>(`wycheproof/${file}_test.json`);
    let accepted = 0;
    for (const { publicKeyPem, tests } of testGroups) {
      const key = new VerificationKey(createPublicKey(publicKeyPem), ALGORITHMS.get(alg)!, undefined);
      const cases = tests.map(({ msg, sig }) => [Buffer.from(msg, 'hex').toString('latin1'), Buffer.from(sig, 'hex')] as const);
      const now = cases.map(([input, signature]) => verifySignature(input, signature, key));
      const later = await Promise.all(cases.map(([input, signature]) => verifySignatureLater(input, signature, key)));
      expect(later).toEqual(now);
      accepted += now.filter(Boolean).length;
    }
    expect(accepted).toBeGreaterThan(0);
  });
});
