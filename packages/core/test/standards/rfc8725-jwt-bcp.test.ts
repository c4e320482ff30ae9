/** RFC 8725 and its successor draft, line by line (JB-1 to JB-15). The matrices behind a line are in holes/. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { signJws } from '../../src/jws/jws.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createRemoteKeys } from '../../src/keys/remote-keys.ts';
import { generateSigningKey } from '../../src/keys/signing-key.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { ALGORITHM_NAMES, freshKey, testKey } from '../support/keys.ts';
import { ISSUER, accessClaims, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const verifier = verifierOf(key);
const check = (parts: Parameters<typeof makeToken>[1]): Promise<string> => verdict(verifier, makeToken(key, parts));

describe('RFC 8725bis', () => {
  test('JB-1: the allow-list is explicit, and alg is compared with case', async () => {
    expect(outcome(() => verifierOf(key, { algorithms: undefined as never }))).toBe('config_invalid');
    for (const alg of ['noNE', 'es256', 'Es256']) expect(await check({ header: { alg } })).toBe('algorithm_not_allowed');
  });

  test('JB-2: a key is used with one algorithm only, whatever else is allowed', async () => {
    const rsa = testKey('RS256');
    const broad = verifierOf(rsa, { algorithms: ALGORITHM_NAMES.filter((name) => !name.startsWith('HS')) });
    const verdicts = await Promise.all(
      ['RS384', 'RS512', 'PS256'].map((alg) => verdict(broad, makeToken(testKey(alg as never, rsa.kid)))),
    );
    expect(verdicts).toEqual(['key_unknown', 'key_unknown', 'key_unknown']);
  });

  test('JB-3: algorithms are those of the issuer', async () => {
    const rsa = testKey('RS256');
    const both = createVerifier({ issuers: [issuerPolicy(key), issuerPolicy(rsa, { issuer: 'https://rsa.example' })], clock });
    expect(await verdict(both, makeToken(rsa))).toBe('algorithm_not_allowed');
    expect(await verdict(both, makeToken(rsa, { payload: accessClaims({ iss: 'https://rsa.example' }) }))).toBe('accepted');
  });

  test('JB-4: none is neither taken nor made; new Ed25519 keys use the new name', () => {
    expect(outcome(() => generateSigningKey('none' as never))).toBe('config_invalid');
    expect(outcome(() => signJws(Buffer.alloc(0), { alg: 'none' }, generateSigningKey()))).toBe('config_invalid');
    expect(generateSigningKey('Ed25519').publicJwk().alg).toBe('Ed25519');
  });

  test('JB-5: a failing check refuses the whole token; a JWE is told apart', async () => {
    expect(await verdict(verifier, `${makeToken(key)}.AA.AA`)).toBe('token_malformed');
    expect(await check({ signature: Buffer.alloc(64, 1) })).toBe('signature_invalid');
  });

  test('JB-6: points are validated', () => {
    const jwk = { ...key.publicKey!.export({ format: 'jwk' }), y: Buffer.alloc(32, 7).toString('base64url') };
    expect(outcome(() => createVerificationKey({ alg: 'ES256', jwk }))).toBe('config_invalid');
  });

  test('JB-7: a password is no HMAC key', () => {
    expect(
      outcome(() => createVerificationKey({ alg: 'HS256', secret: Buffer.from('Correct Horse Battery Staple 2024!') })),
    ).toBe('config_invalid');
  });

  test('JB-8: UTF-8 and nothing else, in header and payload', async () => {
    const latin1 = Buffer.from('{"sub":"\u00e9"}', 'latin1');
    expect([await check({ payload: latin1 }), await check({ header: latin1 })]).toEqual(['json_invalid', 'json_invalid']);
  });

  test('JB-9: keys belong to the issuer that the token names', async () => {
    const mine = freshKey('ES256', 'k');
    const yours = freshKey('ES256', 'k');
    const both = createVerifier({
      issuers: [issuerPolicy(mine), issuerPolicy(yours, { issuer: 'https://other.example' })],
      clock,
    });
    expect(await verdict(both, makeToken(yours))).toBe('signature_invalid');
  });

  test('JB-10: a token without aud, or for others, is refused', async () => {
    expect([
      await check({ payload: accessClaims({ aud: undefined }) }),
      await check({ payload: accessClaims({ aud: 'x' }) }),
    ]).toEqual(['claim_missing', 'audience_mismatch']);
  });

  test('JB-11, C1: nothing in a header leads to I/O: the one fetch goes to the configured address', async () => {
    const fetch = vi.fn(async () =>
      Response.json({ keys: [{ ...key.publicKey!.export({ format: 'jwk' }), kid: key.kid, alg: 'ES256' }] }),
    );
    const keys = createRemoteKeys({ issuer: ISSUER, url: 'https://issuer.example/jwks', algorithms: ['ES256'], fetch, clock });
    const remote = verifierOf(key, { keys });
    for (const header of [
      { jku: 'https://evil.example/jwks' },
      { x5u: 'http://169.254.169.254/' },
      { kid: 'https://evil.example/key' },
      { kid: 'file:///etc/passwd' },
    ]) {
      await verdict(remote, makeToken(key, { header }));
    }
    expect(fetch.mock.calls.map(([url]: unknown[]) => url)).toEqual(['https://issuer.example/jwks']);
  });

  test('JB-12: application/ may be left out; JWT is no explicit type', async () => {
    expect([await check({ header: { typ: 'application/at+jwt' } }), await check({ header: { typ: 'JWT' } })]).toEqual([
      'accepted',
      'type_not_allowed',
    ]);
  });

  test('JB-13: one issuer, one key, two kinds of token: each verifier takes its own', async () => {
    const kinds = ['at+jwt', 'logout+jwt'];
    for (const kind of kinds) {
      const own = verifierOf(key, { tokenTypes: [kind] });
      const verdicts = await Promise.all(kinds.map((typ) => verdict(own, makeToken(key, { header: { typ } }))));
      expect(verdicts).toEqual(kinds.map((typ) => (typ === kind ? 'accepted' : 'type_not_allowed')));
    }
  });

  test('JB-14: password-based encryption is not done, so p2c costs nothing', async () => {
    expect(await check({ header: { alg: 'PBES2-HS512+A256KW', p2c: 1e9 } })).toBe('algorithm_not_allowed');
  });

  test('JB-15: of all ASCII characters, only those of base64url and the dot can stand in a token', async () => {
    const token = makeToken(key);
    const middle = token.indexOf('.') + 10;
    for (let code = 0; code < 128; code += 1) {
      const character = String.fromCharCode(code);
      const changed = token.slice(0, middle) + character + token.slice(middle + 1);
      // Inside of the alphabet the change is for the signature to find.
      const expected = changed === token ? 'accepted' : /[\w-]/.test(character) ? 'signature_invalid' : 'refused';
      const result = await verdict(verifier, changed);
      if (expected === 'refused') expect(result).not.toBe('accepted');
      else expect(result).toBe(expected);
      if (!/[\w.-]/.test(character)) {
        const inHeader = await verdict(verifier, character + token.slice(1));
        const inSignature = await verdict(verifier, token.slice(0, -2) + character + token.slice(-1));
        expect([inHeader, inSignature]).toEqual(['token_malformed', 'token_malformed']);
      }
    }
  });

  test('a key source of the wrong kind of key fails before the first token', () => {
    const { publicKey } = generateKeyPairSync('ed448');
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] };
    expect(outcome(() => createLocalKeys({ issuer: ISSUER, jwks, algorithms: ['EdDSA'] }))).toBe('config_invalid');
  });
});
