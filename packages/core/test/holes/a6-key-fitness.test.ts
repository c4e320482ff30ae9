/** Rows A6 and A14: a key of the wrong type, size or curve is refused when it is loaded. */
import { type KeyObject, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AlgorithmName } from '../../src/keys/algorithms.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { ASYMMETRIC } from '../support/keys.ts';
import { outcome } from '../support/verdicts.ts';

const curve = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).publicKey;
const pss = (options: object): KeyObject => generateKeyPairSync('rsa-pss', { modulusLength: 2048, ...options }).publicKey;
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** Each kind of key with the algorithms that it may be bound to. */
const KINDS: readonly [string, KeyObject, readonly string[]][] = [
  ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, RSA_ALGORITHMS],
  ['RSA 2047', generateKeyPairSync('rsa', { modulusLength: 2047 }).publicKey, []],
  ['RSA 1024', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, []],
  ['RSA 512', generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey, []],
  ['RSA-PSS without parameters', pss({}), []],
  ['RSA-PSS for SHA-256', pss({ hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256', saltLength: 32 }), []],
  ['RSA-PSS with another MGF hash', pss({ hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha1', saltLength: 20 }), []],
  ['DSA', generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).publicKey, []],
  ['P-256', curve('prime256v1'), ['ES256']],
  ['P-384', curve('secp384r1'), ['ES384']],
  ['P-521', curve('secp521r1'), ['ES512']],
  ['secp256k1', curve('secp256k1'), []],
  ['P-224', curve('secp224r1'), []],
  ['Ed25519', generateKeyPairSync('ed25519').publicKey, ['Ed25519', 'EdDSA']],
  ['Ed448', generateKeyPairSync('ed448').publicKey, []],
  ['X25519', generateKeyPairSync('x25519').publicKey, []],
];

/** Self-signed, P-256; its private key was thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUU/KFeGnCzz6mFEmsMLEvKpJqKMkwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOaXNzdWVyLmV4YW1wbGUwIBcNMjYxMTIxMTE0MzUzWhgPMjEy
NjEwMjgxMTQzNTNaMBkxFzAVBgNVBAMMDmlzc3Vlci5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEC33hfZwho4dg/Qg9YSBqwH6qBoMsphqHMGMw4QJX
gmEr7uaipCvV2nui/Y7+DongntKhMRhsafb1uICSJv58HKNTMFEwHQYDVR0OBBYE
FKu9UEbyx0uIMmuDY/fIw99PQFfzMB8GA1UdIwQYMBaAFKu9UEbyx0uIMmuDY/fI
w99PQFfzMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgFXhe/3Ft
P3kWRjKZNh1NYL+JMp60z8g3ppfgR/XEIHwCIH4bFuWG5PTvwEpCM8Y/KmLroHbq
PTf5J/nrHbpANp/K
-----END CERTIFICATE-----
`;

describe('A6: key type, size and curve', () => {
  test.each(KINDS)('A6: %s is bound to its algorithms only, as PEM and as JWK', (_, publicKey, fitting) => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    expect(ASYMMETRIC.filter((alg) => outcome(() => createVerificationKey({ alg, pem })) === 'accepted')).toEqual(fitting);
    let jwk;
    try {
      jwk = publicKey.export({ format: 'jwk' });
    } catch {
      return; // DSA and RSA-PSS have no JWK form.
    }
    expect(ASYMMETRIC.filter((alg) => outcome(() => createVerificationKey({ alg, jwk })) === 'accepted')).toEqual(fitting);
  });

  test('A6: neither a private key nor a certificate request verifies', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    for (const text of [pem, pem.replaceAll('PRIVATE KEY', 'PUBLIC KEY'), pem.replaceAll('PRIVATE KEY', 'CERTIFICATE REQUEST')]) {
      expect(outcome(() => createVerificationKey({ alg: 'ES256', pem: text }))).toBe('config_invalid');
    }
    expect(outcome(() => createVerificationKey({ alg: 'ES256', jwk: privateKey.export({ format: 'jwk' }) }))).toBe(
      'config_invalid',
    );
  });

  test('A6: a certificate is taken for the key in it, under the algorithm of that key only', () => {
    expect(ASYMMETRIC.filter((alg) => outcome(() => createVerificationKey({ alg, pem: CERTIFICATE })) === 'accepted')).toEqual([
      'ES256',
    ]);
    const broken = CERTIFICATE.replace('MIIB', 'MIIC');
    for (const pem of [
      broken,
      CERTIFICATE + CERTIFICATE,
      CERTIFICATE.replace('BEGIN CERTIFICATE', 'BEGIN PUBLIC KEY'),
      CERTIFICATE.replaceAll('CERTIFICATE', 'PUBLIC KEY'),
    ]) {
      expect(outcome(() => createVerificationKey({ alg: 'ES256', pem }))).toBe('config_invalid');
    }
  });

  test('A6: RSA with an exponent of 1, an even one, or a modulus beyond reason', () => {
    const { n } = KINDS[0]![1].export({ format: 'jwk' }) as { n: string };
    const huge = randomBytes(2056);
    huge[0] = 0x80;
    huge[2055]! |= 1;
    const keys = [
      { n, e: 'AQ' },
      { n, e: 'Ag' },
      { n, e: 'AA' },
      { n, e: '' },
      { n: '', e: 'AQAB' },
      { n: huge.toString('base64url'), e: 'AQAB' },
    ];
    for (const key of keys)
      expect(outcome(() => createVerificationKey({ alg: 'RS256', jwk: { kty: 'RSA', ...key } }))).toBe('config_invalid');
  });

  test('A6: material of no kind, or of two', () => {
    const pem = KINDS[8]![1].export({ type: 'spki', format: 'pem' }) as string;
    const jwk = KINDS[8]![1].export({ format: 'jwk' });
    for (const material of [
      {},
      { pem, jwk },
      { pem: 5 },
      { jwk: 'x' },
      { jwk: [] },
      { jwk: {} },
      { pem: null, jwk },
      { pem, x: 1 },
    ]) {
      expect(outcome(() => createVerificationKey({ alg: 'ES256', ...material } as never))).toBe('config_invalid');
    }
  });

  test('JO-9: a JWK that is for something else', () => {
    const jwk = KINDS[8]![1].export({ format: 'jwk' });
    const marks = [
      { use: 'enc' },
      { use: '' },
      { key_ops: ['sign'] },
      { key_ops: [] },
      { key_ops: 'verify' },
      { key_ops: ['verify', 'verify'] },
      { alg: 'ES384' },
      { kty: 'RSA' },
    ];
    for (const mark of marks)
      expect(outcome(() => createVerificationKey({ alg: 'ES256', jwk: { ...jwk, ...mark } as never }))).toBe('config_invalid');
    expect(
      outcome(() =>
        createVerificationKey({ alg: 'ES256', jwk: { ...jwk, use: 'sig', key_ops: ['verify'], alg: 'ES256' } as never }),
      ),
    ).toBe('accepted');
  });
});

describe('A14: points that are not on the curve', () => {
  test.each<[AlgorithmName, string, number]>([
    ['ES256', 'prime256v1', 32],
    ['ES384', 'secp384r1', 48],
    ['ES512', 'secp521r1', 66],
  ])('A14: %s', (alg, namedCurve, size) => {
    const jwk = curve(namedCurve).export({ format: 'jwk' }) as { kty: string; crv: string; x: string; y: string };
    const text = (bytes: Buffer): string => bytes.toString('base64url');
    const flipped = Buffer.from(jwk.y, 'base64url');
    flipped[size - 1]! ^= 1;
    const zero = text(Buffer.alloc(size));
    const hostile = [
      { y: text(flipped) },
      { x: jwk.y, y: jwk.x },
      { x: zero, y: zero },
      { x: zero },
      { y: text(Buffer.alloc(size, 0xff)) },
      { x: text(Buffer.alloc(size, 0xff)) },
      { x: '' },
      { y: '' },
      { y: undefined },
      { x: text(randomBytes(size + 1)) },
    ];
    expect(outcome(() => createVerificationKey({ alg, jwk }))).toBe('accepted');
    for (const change of hostile)
      expect(outcome(() => createVerificationKey({ alg, jwk: { ...jwk, ...change } as never }))).toBe('config_invalid');
  });

  test('A14: Ed25519 keys of the wrong length', () => {
    for (const size of [0, 31, 33, 64]) {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: randomBytes(size).toString('base64url') };
      expect(outcome(() => createVerificationKey({ alg: 'Ed25519', jwk }))).toBe('config_invalid');
    }
  });
});
