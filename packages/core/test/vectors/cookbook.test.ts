/** The examples of RFC 7520, 7797 and 8037: what this verifier takes, and what it leaves out on purpose. */
import type { JsonWebKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyJws } from '../../src/jws/jws.ts';
import type { AlgorithmName } from '../../src/keys/algorithms.ts';
import { type VerificationKey, createVerificationKey } from '../../src/keys/verification-key.ts';
import { VECTORS_PRESENT, readVectors } from '../support/vectors.ts';
import { outcome } from '../support/verdicts.ts';

interface Example {
  readonly input: { readonly payload: string; readonly alg: AlgorithmName; readonly key: JsonWebKey & { readonly kid?: string } };
  readonly output: { readonly compact?: string; readonly json?: object; readonly json_flat?: object };
}

const read = (file: string): Example => readVectors<Example>(`cookbook/${file}.json`);

function keyOf({ key, alg }: Example['input']): VerificationKey {
  const kid = key.kid === undefined ? {} : { kid: key.kid };
  if (key.kty === 'oct') return createVerificationKey({ alg, ...kid, secret: Buffer.from(key.k!, 'base64url') });
  const { kty, n, e, crv, x, y } = key;
  const members = Object.entries({ kty, n, e, crv, x, y }).filter(([, value]) => value !== undefined);
  return createVerificationKey({ alg, ...kid, jwk: Object.fromEntries(members) });
}

const COMPACT = [
  'jws/4_1.rsa_v15_signature',
  'jws/4_2.rsa-pss_signature',
  'jws/4_3.ecdsa_signature',
  'jws/4_4.hmac-sha2_integrity_protection',
  'curve25519/jws',
];

/** Detached, with unprotected headers, or with several signatures: these exist in the JSON serialization only. */
const JSON_ONLY = [
  'jws/4_5.signature_with_detached_content',
  'jws/4_6.protecting_specific_header_fields',
  'jws/4_7.protecting_content_only',
  'jws/4_8.multiple_signatures',
];

const UNENCODED = ['rfc7797/4.2.hmac-sha2_b64_false', 'rfc7797/hmac-sha2_b64_false'];

describe.skipIf(!VECTORS_PRESENT)('RFC cookbook', () => {
  test.each(COMPACT)('%s verifies, and gives the payload back byte for byte', (file) => {
    const { input, output } = read(file);
    expect(Buffer.from(verifyJws(output.compact!, keyOf(input)).payload).toString('utf8')).toBe(input.payload);
  });

  test.each(COMPACT)('%s with one bit of its payload changed does not', (file) => {
    const { input, output } = read(file);
    const [header, payload, signature] = output.compact!.split('.') as [string, string, string];
    const bytes = Buffer.from(payload, 'base64url');
    bytes[0]! ^= 1;
    expect(outcome(() => verifyJws(`${header}.${bytes.toString('base64url')}.${signature}`, keyOf(input)))).toBe(
      'signature_invalid',
    );
  });

  test.each([...COMPACT, ...JSON_ONLY, ...UNENCODED])('A11: the JSON forms of %s are refused, as object and as text', (file) => {
    const { input, output } = read(file);
    const key = keyOf({ ...input, key: [input.key].flat()[0]!, alg: [input.alg].flat()[0]! });
    const forms = [output.json, output.json_flat].filter((form) => form !== undefined);
    expect(forms.length).toBeGreaterThan(0);
    for (const form of forms) {
      expect(outcome(() => verifyJws(form as never, key))).toBe('token_malformed');
      expect(outcome(() => verifyJws(JSON.stringify(form), key))).toBe('token_malformed');
    }
  });

  test.each(JSON_ONLY)('%s has no compact form that could be taken', (file) => {
    const { compact } = read(file).output;
    // A detached payload is an empty segment: another content than what was signed.
    if (compact !== undefined) expect(outcome(() => verifyJws(compact, keyOf(read(file).input)))).toBe('signature_invalid');
  });

  test.each(UNENCODED)('JO-5: %s (b64 false) is refused', (file) => {
    const { input, output } = read(file);
    const header = Buffer.from('{"alg":"HS256","b64":false,"crit":["b64"]}').toString('base64url');
    const token = output.compact ?? `${header}.${input.payload}.${(output.json_flat as { signature: string }).signature}`;
    expect(['critical_header', 'json_invalid', 'token_malformed']).toContain(outcome(() => verifyJws(token, keyOf(input))));
  });
});
