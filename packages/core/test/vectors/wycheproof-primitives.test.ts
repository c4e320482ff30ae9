/** Wycheproof's raw signatures and MACs: are parameters passed to node:crypto right? */
import { type KeyObject, createPublicKey, createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifySignature } from '../../src/jws/signature.ts';
import { ALGORITHMS, type AlgorithmName } from '../../src/keys/algorithms.ts';
import { VerificationKey, createVerificationKey } from '../../src/keys/verification-key.ts';
import { VECTORS_PRESENT, readVectors } from '../support/vectors.ts';
import { outcome, tally } from '../support/verdicts.ts';

interface Case {
  readonly tcId: number;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'acceptable' | 'invalid';
}
interface Group {
  readonly publicKeyPem: string;
  readonly tests: readonly Case[];
}
interface MacCase extends Omit<Case, 'sig'> {
  readonly key: string;
  readonly tag: string;
}
interface MacGroup {
  readonly keySize: number;
  readonly tagSize: number;
  readonly tests: readonly MacCase[];
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const message = (hex: string): string => bytes(hex).toString('latin1');

function bind(keyObject: KeyObject, alg: AlgorithmName): VerificationKey {
  return new VerificationKey(keyObject, ALGORITHMS.get(alg)!, undefined);
}

/** Label and verdict of each case of a file, as `invalid refused` and so on, counted. */
function run(file: string, alg: AlgorithmName): Record<string, number> {
  const { testGroups } = readVectors<{ testGroups: readonly Group[] }>(`wycheproof/${file}_test.json`);
  return tally(
    testGroups.flatMap((group) => {
      const key = bind(createPublicKey(group.publicKeyPem), alg);
      return group.tests.map(
        (one) => `${one.result} ${verifySignature(message(one.msg), bytes(one.sig), key) ? 'accepted' : 'refused'}`,
      );
    }),
  );
}

// `acceptable` are signatures whose encoding leaves out a NULL: a strict verifier refuses them.
const FILES: readonly [string, AlgorithmName, Record<string, number>][] = [
  ['rsa_signature_2048_sha256', 'RS256', { 'valid accepted': 9, 'acceptable refused': 1, 'invalid refused': 249 }],
  ['rsa_signature_3072_sha384', 'RS384', { 'valid accepted': 7, 'acceptable refused': 1, 'invalid refused': 251 }],
  ['rsa_signature_4096_sha512', 'RS512', { 'valid accepted': 7, 'acceptable refused': 1, 'invalid refused': 251 }],
  ['rsa_pss_2048_sha256_mgf1_32', 'PS256', { 'valid accepted': 63, 'invalid refused': 45 }],
  ['rsa_pss_4096_sha384_mgf1_48', 'PS384', { 'valid accepted': 95, 'invalid refused': 46 }],
  ['rsa_pss_4096_sha512_mgf1_64', 'PS512', { 'valid accepted': 132, 'invalid refused': 47 }],
  ['ecdsa_secp256r1_sha256_p1363', 'ES256', { 'valid accepted': 173, 'invalid refused': 89 }],
  ['ecdsa_secp384r1_sha384_p1363', 'ES384', { 'valid accepted': 193, 'invalid refused': 87 }],
  ['ecdsa_secp521r1_sha512_p1363', 'ES512', { 'valid accepted': 231, 'invalid refused': 87 }],
  ['ed25519', 'Ed25519', { 'valid accepted': 88, 'invalid refused': 63 }],
];

describe.skipIf(!VECTORS_PRESENT)('Wycheproof signatures', () => {
  test.each(FILES)('%s under %s agrees with every label', (file, alg, expected) => {
    expect(run(file, alg)).toEqual(expected);
  });

  test('JO-12: rsa_pss_2048_sha256_mgf1_0 is refused under PS256: what it calls valid has no salt', () => {
    // The one that is accepted is tc69, labelled invalid because its salt has 32 bytes: that is what PS256 asks for.
    expect(run('rsa_pss_2048_sha256_mgf1_0', 'PS256')).toEqual({
      'valid refused': 61,
      'invalid refused': 41,
      'invalid accepted': 1,
    });
  });
});

describe.skipIf(!VECTORS_PRESENT)('Wycheproof HMAC', () => {
  test.each<[AlgorithmName, number]>([
    ['HS256', 256],
    ['HS384', 384],
    ['HS512', 512],
  ])('%s agrees with every label that it can meet', (alg, bits) => {
    const { testGroups } = readVectors<{ testGroups: readonly MacGroup[] }>(`wycheproof/hmac_sha${bits}_test.json`);
    const verdicts = testGroups.flatMap((group) => {
      // JWS knows no truncated tags and no secret below the hash size (JO-10): all of those are refused, whatever their label.
      const kind = group.tagSize < bits ? 'truncated' : group.keySize < bits ? 'short key' : 'full';
      return group.tests.map((one) => `${kind}: ${kind === 'full' ? `${one.result} ` : ''}${check(one, alg)}`);
    });
    expect(tally(verdicts)).toEqual({
      'full: valid accepted': 30,
      'full: invalid refused': 54,
      'short key: refused': 3,
      'truncated: refused': 87,
    });
  });
});

function check(one: MacCase, alg: AlgorithmName): string {
  const secret = bytes(one.key);
  if (outcome(() => createVerificationKey({ alg, secret })) !== 'accepted') return 'refused';
  return verifySignature(message(one.msg), bytes(one.tag), bind(createSecretKey(secret), alg)) ? 'accepted' : 'refused';
}
