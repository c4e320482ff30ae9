/** What the JOSE RFCs (JO-1 to JO-17) and RFC 9068 (AT-1 to AT-9) ask of a verifier, line by line. Matrices are in holes/. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { parseJwkSet } from '../../src/keys/jwk-set.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { freshKey, publicPem, secretKey, testKey } from '../support/keys.ts';
import { AUDIENCE, ISSUER, NOW, accessClaims, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const verifier = verifierOf(key);
const check = (parts: Parameters<typeof makeToken>[1]): Promise<string> => verdict(verifier, makeToken(key, parts));
const withClaims = (changes: object): Promise<string> => check({ payload: accessClaims(changes as never) });

describe('JWS, JWK, JWA, JWT', () => {
  test('JO-1: no padding, no line breaks, no other characters', async () => {
    for (const tail of ['=', '==', '\n', ' ', '+', '/', 'é'])
      expect(await verdict(verifier, makeToken(key) + tail)).toBe('token_malformed');
  });

  test('JO-2: the 15 other ends of a 64-byte signature are refused', async () => {
    const token = makeToken(key);
    const bytes = Buffer.from(token.split('.')[2]!, 'base64url');
    const ends = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((end) => token.slice(0, -1) + end)
      .filter((other) => other !== token && Buffer.from(other.split('.')[2]!, 'base64url').equals(bytes));
    expect(ends).toHaveLength(15);
    for (const other of ends) expect(await verdict(verifier, other)).toBe('token_malformed');
  });

  test('JO-3: duplicate names are refused, not resolved', async () => {
    expect(await check({ payload: `{"sub":"a",${JSON.stringify(accessClaims()).slice(1)}` })).toBe('json_invalid');
  });

  test('JO-4, JO-5: crit is never understood, and b64 never legal', async () => {
    for (const header of [{ crit: ['exp'], exp: 1 }, { crit: [] }, { b64: false }])
      expect(await check({ header: header as never })).toBe('critical_header');
  });

  test('JO-6: unknown header parameters are ignored', async () => {
    expect(await check({ header: { nonce: 'x', 'urn:x': [1, { y: 2 }] } })).toBe('accepted');
  });

  test('JO-7: objects only, and no white space around', async () => {
    expect([await check({ payload: '[]' }), await check({ header: '[]' })]).toEqual(['json_invalid', 'json_invalid']);
    expect([await verdict(verifier, ` ${makeToken(key)}`), await verdict(verifier, `${makeToken(key)}\n`)]).toEqual([
      'token_malformed',
      'token_malformed',
    ]);
  });

  test('JO-8: exp on or after, nbf before, iat in the future is no reason of its own', async () => {
    const strict = (claims: object): Promise<string> =>
      verdict(verifierOf(key, { toleranceSeconds: 0 }), makeToken(key, { payload: accessClaims(claims as never) }));
    expect([
      await strict({ exp: NOW }),
      await strict({ exp: NOW + 0.001 }),
      await strict({ nbf: NOW }),
      await strict({ nbf: NOW + 0.001 }),
      await strict({ iat: NOW + 9999 }),
    ]).toEqual(['token_expired', 'accepted', 'accepted', 'token_not_yet_valid', 'accepted']);
  });

  test('JO-9: one bad key does not break a set; private, symmetric and encryption keys are passed over', () => {
    const good = { ...key.publicKey!.export({ format: 'jwk' }), kid: 'good' };
    const bad = [
      { ...good, kid: 'enc', use: 'enc' },
      { ...good, kid: 'd', d: 'AA' },
      { kty: 'oct', k: 'AA', kid: 'oct' },
      { kty: 'new' },
      { ...good, kid: 'ops', key_ops: ['sign'] },
    ];
    const set = parseJwkSet({ keys: [...bad, good] }, ['ES256']);
    expect([set.keys.map((one) => one.kid), set.ignored.map((one) => one.index)]).toEqual([['good'], [0, 1, 2, 3, 4]]);
  });

  test('JO-10: an HMAC key is at least as long as its hash', () => {
    for (const [alg, bytes] of [
      ['HS256', 31],
      ['HS384', 47],
      ['HS512', 63],
    ] as const)
      expect(outcome(() => createVerificationKey({ alg, secret: randomBytes(bytes) }))).toBe('config_invalid');
  });

  test('JO-11: RSA has at least 2048 bits', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    for (const alg of ['RS256', 'PS512'] as const)
      expect(outcome(() => createVerificationKey({ alg, jwk: weak }))).toBe('config_invalid');
  });

  test.each([
    ['PS256', 32],
    ['PS384', 48],
    ['PS512', 64],
  ] as const)('JO-12: %s has a salt of %i bytes', async (alg, saltBytes) => {
    const rsa = testKey(alg);
    const input = makeToken(rsa).split('.').slice(0, 2).join('.');
    const verdicts = [0, 20, 32, 48, 64].map((saltLength) => {
      const signature = sign(`sha${alg.slice(2)}`, Buffer.from(input), { key: rsa.privateKey!, padding: 6, saltLength });
      return verdict(verifierOf(rsa), `${input}.${signature.toString('base64url')}`);
    });
    expect(await Promise.all(verdicts)).toEqual(
      [0, 20, 32, 48, 64].map((length) => (length === saltBytes ? 'accepted' : 'signature_invalid')),
    );
  });

  test('JO-13: the curve is that of the algorithm, the signature R || S of its length', () => {
    const p384 = testKey('ES384').publicKey!.export({ format: 'jwk' });
    expect(outcome(() => createVerificationKey({ alg: 'ES256', jwk: p384 }))).toBe('config_invalid');
  });

  test('JO-14: Ed25519 under both of its names; Ed448 under none', async () => {
    const ed = testKey('Ed25519');
    for (const alg of ['Ed25519', 'EdDSA'])
      expect(await verdict(verifierOf(ed), makeToken(ed, { header: { alg } }))).toBe('accepted');
    const ed448 = generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' });
    for (const alg of ['Ed25519', 'EdDSA'] as const)
      expect(outcome(() => createVerificationKey({ alg, jwk: ed448 }))).toBe('config_invalid');
  });

  test('JO-15: a public key is never tried as HMAC key', async () => {
    const rsa = testKey('RS256');
    const forged = makeToken(secretKey('HS256', rsa.kid, Buffer.from(publicPem(rsa))));
    expect(await verdict(verifierOf(rsa), forged)).toBe('algorithm_not_allowed');
  });

  test.each(['HS256', 'RS256', 'ES256'] as const)('JO-16: %s is there', async (alg) => {
    expect(await verdict(verifierOf(testKey(alg)), makeToken(testKey(alg)))).toBe('accepted');
  });

  test('JO-17: length, depth and the number of keys are limited', async () => {
    expect(await verdict(verifier, 'a'.repeat(8193))).toBe('token_too_large');
    expect(await check({ payload: accessClaims({ x: JSON.parse('['.repeat(64) + ']'.repeat(64)) }) })).toBe('json_invalid');
    expect(outcome(() => parseJwkSet({ keys: Array.from({ length: 101 }, () => null) }, ['ES256']))).toBe('config_invalid');
  });
});

describe('RFC 9068 section 4', () => {
  test('AT-1: typ is at+jwt or application/at+jwt, in any case', async () => {
    for (const typ of ['at+jwt', 'application/at+jwt', 'at+JWT']) expect(await check({ header: { typ } })).toBe('accepted');
    for (const typ of ['JWT', 'jwt', undefined, 'id+jwt']) expect(await check({ header: { typ } })).toBe('type_not_allowed');
  });

  test('AT-2: encrypted tokens are not negotiated, so none is accepted', async () => {
    expect(await verdict(verifier, 'eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.QQ.QQ.QQ.QQ')).toBe('token_malformed');
  });

  test('AT-3: iss is the issuer, exactly', async () => {
    for (const iss of [`${ISSUER}/`, ISSUER.toUpperCase(), ISSUER.slice(8)])
      expect(await withClaims({ iss })).toBe('issuer_not_trusted');
  });

  test('AT-4: aud contains this resource', async () => {
    expect([await withClaims({ aud: ['x', AUDIENCE] }), await withClaims({ aud: ['x', 'y'] })]).toEqual([
      'accepted',
      'audience_mismatch',
    ]);
  });

  test('AT-5: RS256 is supported, none is refused, keys are those of the issuer', async () => {
    const rsa = testKey('RS256');
    expect(await verdict(verifierOf(rsa), makeToken(rsa))).toBe('accepted');
    expect(await verdict(verifierOf(rsa), makeToken(rsa, { header: { alg: 'none' }, signature: Buffer.alloc(0) }))).toBe(
      'algorithm_not_allowed',
    );
    expect(await verdict(verifierOf(rsa), makeToken(freshKey('RS256', rsa.kid)))).toBe('signature_invalid');
  });

  test('AT-6: before exp, with a leeway of 5 s', async () => {
    const at = (seconds: number): Promise<string> =>
      verdict(
        createVerifier({ issuers: [issuerPolicy(key)], clock: () => (NOW + seconds) * 1000 }),
        makeToken(key, { payload: accessClaims({ exp: NOW }) }),
      );
    expect([await at(-1), await at(4.999), await at(5)]).toEqual(['accepted', 'accepted', 'token_expired']);
  });

  test('AT-7: every reason to refuse a token is invalid_token of RFC 6750', async () => {
    const refusals = [
      check({ payload: accessClaims({ exp: 1 }) }),
      check({ header: { typ: 'JWT' } }),
      check({ header: { alg: 'none' } }),
      check({ header: { kid: 'x' } }),
      check({ payload: '[]' }),
      check({ header: { crit: [] } }),
      check({ signature: Buffer.alloc(64) }),
      withClaims({ iss: 'x' }),
      withClaims({ aud: 'x' }),
      withClaims({ sub: undefined }),
      withClaims({ sub: 5 }),
      withClaims({ nbf: NOW + 99 }),
      verdict(verifier, 'x'.repeat(9999)),
      verdict(verifier, 'x'),
    ];
    for (const code of await Promise.all(refusals))
      expect([code, ERRORS[code as ErrorCode].http, ERRORS[code as ErrorCode].oauth]).toEqual([code, 401, 'invalid_token']);
  });

  test.each(['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'])('AT-8: %s is required', async (claim) => {
    expect(await withClaims({ [claim]: undefined })).toBe('claim_missing');
  });

  test('AT-9: of the keys that an issuer publishes, those for other algorithms are not trusted for access tokens', async () => {
    const other = testKey('ES384', 'other');
    const jwks = {
      keys: [key, other].map((one) => Object.assign(one.publicKey!.export({ format: 'jwk' }), { kid: one.kid, alg: one.alg })),
    };
    const { keys } = parseJwkSet(jwks, ['ES256']);
    expect(keys.map((one) => one.kid)).toEqual([key.kid]);
    const both = createLocalKeys({ issuer: ISSUER, keys: [key.material, other.material] });
    expect(await verdict(verifierOf(key, { keys: both }), makeToken(other))).toBe('algorithm_not_allowed');
  });
});
