/** The JWS layer: bytes in, bytes out, with one typed key. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signJws, verifyJws } from '../../src/jws/jws.ts';
import type { AlgorithmName } from '../../src/keys/algorithms.ts';
import { createSigningKey, generateSigningKey } from '../../src/keys/signing-key.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { ALGORITHM_NAMES, ASYMMETRIC, freshKey, testKey } from '../support/keys.ts';
import { makeToken } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

describe('verifyJws', () => {
  test.each(ALGORITHM_NAMES)(
    '%s: another key, another algorithm, another key id, a changed byte: each refused by its rule',
    (alg) => {
      const key = testKey(alg);
      const typed = createVerificationKey(key.material);
      const token = makeToken(key);
      expect(outcome(() => verifyJws(makeToken(freshKey(alg, key.kid)), typed))).toBe('signature_invalid');
      expect(outcome(() => verifyJws(makeToken(key, { header: { kid: 'other' } }), typed))).toBe('key_unknown');
      const other = ALGORITHM_NAMES.find((name) => name.slice(0, 2) !== alg.slice(0, 2))!;
      expect(outcome(() => verifyJws(makeToken(key, { header: { alg: other } }), typed))).toBe('algorithm_not_allowed');
      for (const at of [token.indexOf('.') + 5, token.lastIndexOf('.') + 5]) {
        const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
        expect(outcome(() => verifyJws(changed, typed))).toBe('signature_invalid');
      }
    },
  );

  test('takes any bytes as payload: the layer knows nothing of claims', () => {
    const key = testKey('Ed25519');
    for (const payload of [Buffer.alloc(0), Buffer.from('[]'), randomBytes(999)]) {
      const token = makeToken(key, { payload });
      // An empty payload is legal in a JWS (RFC 7515), though no JWT has one.
      expect(Buffer.from(verifyJws(token, createVerificationKey(key.material)).payload).equals(payload)).toBe(true);
    }
  });

  test('works without key ids on either side', () => {
    const key = testKey('ES256');
    const nameless = createVerificationKey({ alg: 'ES256', jwk: (key.material as { jwk: object }).jwk } as never);
    expect(outcome(() => verifyJws(makeToken(key), nameless))).toBe('accepted');
    expect(outcome(() => verifyJws(makeToken(key, { header: { kid: undefined } }), createVerificationKey(key.material)))).toBe(
      'accepted',
    );
  });

  test.each([undefined, null, 'pem', {}, { algorithm: { name: 'ES256' } }])('%j is no key', (key) => {
    expect(outcome(() => verifyJws(makeToken(testKey('ES256')), key as never))).toBe('config_invalid');
  });
});

describe('signJws', () => {
  test.each(ASYMMETRIC as readonly Exclude<AlgorithmName, 'HS256' | 'HS384' | 'HS512'>[])(
    '%s: what is signed verifies with the public half, and with no other',
    (alg) => {
      const key = generateSigningKey(alg);
      const payload = randomBytes(50);
      const token = signJws(payload, { typ: 'x' }, key);
      const { header, payload: read } = verifyJws(token, createVerificationKey({ alg, kid: key.kid, jwk: key.publicJwk() }));
      expect(Buffer.from(read).equals(payload)).toBe(true);
      expect({ ...header }).toEqual({ alg, typ: 'x', kid: key.kid });
      expect(outcome(() => verifyJws(token, generateSigningKey(alg, key.kid).verificationKey))).toBe('signature_invalid');
    },
  );

  test('a header that contradicts the key is a configuration error', () => {
    const key = generateSigningKey('ES256', 'k');
    for (const header of [{ alg: 'none' }, { alg: 'ES384' }, { alg: '' }, { kid: 'other' }, { kid: '' }]) {
      expect(outcome(() => signJws(Buffer.alloc(0), header, key))).toBe('config_invalid');
    }
    expect(outcome(() => signJws(Buffer.alloc(0), { alg: 'ES256', kid: 'k' }, key))).toBe('accepted');
  });
});

describe('signing keys', () => {
  const jwk = testKey('ES256').privateKey!.export({ format: 'jwk' });
  const pem = testKey('ES256').privateKey!.export({ format: 'pem', type: 'pkcs8' }) as string;

  test.each<[string, object]>([
    ['HMAC: whoever verifies could sign (JO-10)', { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }],
    ['an unknown algorithm', { alg: 'none', pem }],
    ['another curve', { alg: 'ES384', pem }],
    ['another key type', { alg: 'RS256', pem }],
    ['a JWK that says another algorithm', { alg: 'ES256', jwk: { ...jwk, alg: 'ES384' } }],
    ['a public key', { alg: 'ES256', pem: testKey('ES256').publicKey!.export({ format: 'pem', type: 'spki' }) }],
    ['a public JWK', { alg: 'ES256', jwk: { ...jwk, d: undefined } }],
    ['no key', { alg: 'ES256' }],
    ['an empty key id', { alg: 'ES256', pem, kid: '' }],
    ['a key id too long', { alg: 'ES256', pem, kid: 'k'.repeat(257) }],
    ['an unknown option', { alg: 'ES256', pem, use: 'sig' }],
    ['junk', { alg: 'ES256', pem: 'canary' }],
    [
      'RSA of 1024 bits',
      { alg: 'RS256', jwk: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' }) },
    ],
  ])('refuse %s', (_, material) => {
    expect(outcome(() => createSigningKey(material as never))).toBe('config_invalid');
  });

  test('the public JWK has nothing private in it, and says what it is for', () => {
    for (const alg of ['RS256', 'ES256', 'Ed25519'] as const) {
      const published = generateSigningKey(alg).publicJwk();
      expect(published).toMatchObject({ alg, use: 'sig', kid: expect.stringMatching(/^[\w-]{8}$/) });
      expect(Object.keys(published).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name))).toEqual([]);
    }
  });

  test('the key id defaults to the beginning of the thumbprint (RFC 7638), the same each time', () => {
    // The key of RFC 8037 appendix A.3, whose thumbprint is kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k.
    const example = {
      kty: 'OKP',
      crv: 'Ed25519',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    };
    expect(createSigningKey({ alg: 'Ed25519', jwk: example }).kid).toBe('kPrK_qmx');
  });
});
