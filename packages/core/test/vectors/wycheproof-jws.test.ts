/** Wycheproof's JSON Web Signature file: what a strict verifier answers to each of its 401 cases. */
import { type JsonWebKey, createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyJws } from '../../src/jws/jws.ts';
import { ALGORITHMS, type AlgorithmName } from '../../src/keys/algorithms.ts';
import { VerificationKey, createVerificationKey } from '../../src/keys/verification-key.ts';
import { VECTORS_PRESENT, readVectors } from '../support/vectors.ts';
import { outcome } from '../support/verdicts.ts';

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: string;
  readonly result: 'valid' | 'invalid';
}
interface Group {
  readonly comment: string;
  readonly private: JsonWebKey & { alg?: string; kid?: string };
  readonly public?: JsonWebKey & { alg?: string; kid?: string };
  readonly tests: readonly Case[];
}

/** The labels that a strict verifier can't meet, each with its reason. */
const DEVIATIONS: Readonly<Record<number, string>> = {
  346: 'labelled valid: header says PS384, key says PS256',
  350: 'labelled valid: header says PS384, key says PS256',
  367: 'labelled invalid: byte for byte the token of tc357, which is labelled valid',
  370: 'labelled invalid: byte for byte the token of tc357, which is labelled valid',
  372: 'labelled valid: a "?" inside the header segment',
  373: 'labelled valid: a "?" inside the payload segment',
};

/** The key of this group is 32 zero bytes. It is no secret (A15), so it is refused at load; see the test below. */
const ZERO_KEY_GROUP = 'base64';

// tc347 and tc351 call ES512 by the name ES521, which is not registered.
const algorithmOf = (jwk: { alg?: string; kty?: string }): AlgorithmName =>
  (jwk.alg === 'ES521' ? 'ES512' : (jwk.alg ?? (jwk.kty === 'EC' ? 'ES256' : 'RS256'))) as AlgorithmName;

function keyOf(group: Group): VerificationKey {
  const jwk = group.public ?? group.private;
  const alg = algorithmOf(jwk);
  const named = jwk.kid === undefined ? { alg } : { alg, kid: jwk.kid };
  if (jwk.kty !== 'oct') return createVerificationKey({ ...named, jwk: { ...jwk, alg } as JsonWebKey });
  const secret = Buffer.from(jwk.k!, 'base64url');
  if (group.comment !== ZERO_KEY_GROUP) return createVerificationKey({ ...named, secret });
  // Round the outer door, so that the 21 base64 cases test the decoder and not the strength of their key.
  return new VerificationKey(createSecretKey(secret), ALGORITHMS.get(alg)!, jwk.kid);
}

const verdictOf = (group: Group, jws: string): string => outcome(() => verifyJws(jws, keyOf(group)));

describe.skipIf(!VECTORS_PRESENT)('Wycheproof json_web_signature_test.json', () => {
  const groups = VECTORS_PRESENT
    ? readVectors<{ testGroups: readonly Group[] }>('wycheproof/json_web_signature_test.json').testGroups
    : [];
  const cases = groups.flatMap((group) => group.tests.map((one) => ({ ...one, verdict: verdictOf(group, one.jws) })));
  const disagreeing = cases.filter((one) => (one.verdict === 'accepted') !== (one.result === 'valid'));

  test('395 of 401 cases agree with their label; the other six are known by name', () => {
    expect(cases).toHaveLength(401);
    expect(disagreeing.map((one) => one.tcId)).toEqual(Object.keys(DEVIATIONS).map(Number));
  });

  test('no invalid case is accepted, but for two that are byte-identical to a valid one', () => {
    const accepted = cases.filter((one) => one.result === 'invalid' && one.verdict === 'accepted');
    const valid = new Set(cases.filter((one) => one.result === 'valid').map((one) => one.jws));
    expect(accepted.map((one) => one.tcId)).toEqual([367, 370]);
    expect(accepted.every((one) => valid.has(one.jws))).toBe(true);
  });

  test('every refusal has a code of ours', () => {
    expect(cases.filter((one) => one.verdict.startsWith('threw'))).toEqual([]);
  });

  test('the zero key of the base64 group is refused where keys are made', () => {
    const zero = groups.find((group) => group.comment === ZERO_KEY_GROUP)!.private;
    expect(outcome(() => createVerificationKey({ alg: 'HS256', secret: Buffer.from(zero.k!, 'base64url') }))).toBe(
      'config_invalid',
    );
  });

  test('a key for encryption does not verify: refused at load (tc353 to tc356)', () => {
    const wrongUse = groups.filter((group) => group.comment.endsWith('encryption'));
    expect(wrongUse).toHaveLength(4);
    expect(wrongUse.map((group) => outcome(() => keyOf(group)))).toEqual(wrongUse.map(() => 'config_invalid'));
  });
});
