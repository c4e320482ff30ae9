/** Fixed keys: look-up, replacement, and what tells one key from another. */
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { freshKey, publicPem, testKey } from '../support/keys.ts';
import { ISSUER, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const other = freshKey('ES256', 'other');

describe('refusals', () => {
  test.each<[string, object | undefined]>([
    ['nothing', undefined],
    ['no issuer', { keys: [key.material] }],
    ['an empty issuer', { issuer: '', keys: [key.material] }],
    ['no keys', { issuer: ISSUER }],
    ['keys that are null', { issuer: ISSUER, keys: null }],
    ['a JWK Set without algorithms', { issuer: ISSUER, jwks: { keys: [] } }],
    ['an unknown option', { issuer: ISSUER, keys: [key.material], url: 'x' }],
    ['a key without alg', { issuer: ISSUER, keys: [{ pem: publicPem(key) }] }],
  ])('%s', (_, options) => {
    expect(outcome(() => createLocalKeys(options as never))).toBe('config_invalid');
  });

  test('a source without keys finds none', async () => {
    expect(await verdict(verifierOf(key, { keys: createLocalKeys({ issuer: ISSUER, keys: [] }) }), makeToken(key))).toBe(
      'key_unknown',
    );
  });
});

describe('replace', () => {
  test('VC-4: from that moment on the old keys verify nothing, cached or not, and the new ones do', async () => {
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const cached = createCachedVerifier(verifierOf(key, { keys }));
    const [old, fresh] = [makeToken(key), makeToken(other)];
    expect([await verdict(cached, old), await verdict(cached, fresh)]).toEqual(['accepted', 'key_unknown']);
    keys.replace({ keys: [other.material] });
    expect([cached.recall(old), await verdict(cached, old), await verdict(cached, fresh)]).toEqual([
      undefined,
      'key_unknown',
      'accepted',
    ]);
  });

  test('VC-4: also for what waited for its signature to be checked; who has kept the key is accepted', async () => {
    const same = freshKey('ES256', key.kid);
    for (const [next, expected] of [
      [[other.material], 'key_unknown'],
      [[same.material], 'key_unknown'],
      [[key.material, other.material], 'accepted'],
    ] as const) {
      const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const verifier = createVerifier({ issuers: [issuerPolicy(key, { keys })], clock, checks: { check: () => promise } });
      const waiting = verdict(verifier, makeToken(key));
      keys.replace({ keys: next });
      resolve(true);
      expect(await waiting).toBe(expected);
    }
  });

  test('a source that knows its keys by asking only: the same one, or another', async () => {
    const [mine, others] = [key, freshKey('ES256', key.kid)].map(({ material }) => createVerificationKey(material));
    for (const [loaded, expected] of [
      [[mine, mine], 'accepted'],
      [[mine, others], 'key_untrusted'],
    ] as const) {
      const left = [...loaded];
      const source = { issuer: ISSUER, id: 'forgetful', lookup: () => undefined, load: async () => left.shift()! };
      const checks = { check: async () => true };
      const verifier = createVerifier({ issuers: [issuerPolicy(key, { keys: source })], clock, checks });
      expect(await verdict(verifier, makeToken(key))).toBe(expected);
    }
  });

  test('with something unusable it changes nothing (C4)', async () => {
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    for (const next of [
      {},
      { keys: null },
      { keys: [{ alg: 'ES256', pem: 'x' }] },
      { jwks: {}, algorithms: ['ES256'] },
      { issuer: 'x', keys: [] },
      undefined,
    ]) {
      expect(outcome(() => keys.replace(next as never))).toBe('config_invalid');
    }
    expect(await verdict(verifierOf(key, { keys }), makeToken(key))).toBe('accepted');
  });
});

describe('ids of keys', () => {
  const id = (material: object): string => createVerificationKey(material as never).id;

  test('the same key has the same id, from JWK and from PEM', () => {
    expect(id(key.material)).toBe(id({ alg: 'ES256', kid: key.kid, pem: publicPem(key) }));
  });

  test('another key, key id or algorithm has another', () => {
    const rsa = testKey('RS256').material as { jwk: object; kid: string };
    const ids = [
      id(key.material),
      id(other.material),
      id({ ...key.material, kid: 'x' }),
      id({ ...key.material, kid: undefined }),
      id(rsa),
      id({ ...rsa, alg: 'RS384' }),
      id({ ...rsa, alg: 'PS256' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('the bytes of a secret that the caller changes later change nothing', async () => {
    const hmac = freshKey('HS256');
    const secret = Buffer.from((hmac.material as { secret: Uint8Array }).secret);
    const verifier = verifierOf(hmac, {
      keys: createLocalKeys({ issuer: ISSUER, keys: [{ alg: 'HS256', kid: hmac.kid, secret }] }),
    });
    secret.fill(0);
    expect(await verdict(verifier, makeToken(hmac))).toBe('accepted');
  });
});
