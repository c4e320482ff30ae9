/** Row B2: Infinity, NaN and the like as an option or from the clock. */
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { verifyJws } from '../../src/jws/jws.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createRemoteKeys } from '../../src/keys/remote-keys.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { generateSigningKey } from '../../src/keys/signing-key.ts';
import { createTxnMinter } from '../../src/txn/mint.ts';
import { createTxnPipeline, createTxnVerifier } from '../../src/txn/verify.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER, NOW, accessClaims, issuerPolicy, makeToken, verifiedToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const BAD = [NaN, Infinity, -Infinity, -1, -0.001, 1e308, Number.MAX_SAFE_INTEGER, '60', '', null, [], {}, true, 5n, Symbol('x')];
const key = testKey('ES256');
const token = makeToken(key);
const signer = generateSigningKey();
const minter = { trustDomain: 'domain', key: signer, requestingWorkload: 'edge' };
const txn = {
  trustDomain: 'domain',
  keys: createLocalKeys({ issuer: 'domain', jwks: { keys: [signer.publicJwk()] }, algorithms: ['ES256'] }),
};
const remote = { issuer: ISSUER, url: 'https://issuer.example/jwks', algorithms: ['ES256'] };

/** Every number that a user can set, with a good value. */
const OPTIONS: readonly [string, number, (value: never) => unknown][] = [
  ['policy.maxTokenBytes', 4096, (maxTokenBytes) => createVerifier({ issuers: [issuerPolicy(key)], maxTokenBytes })],
  ['policy.toleranceSeconds', 0, (toleranceSeconds) => verifierOf(key, { toleranceSeconds })],
  [
    'policy.toleranceSeconds, allowed to be large',
    3600,
    (toleranceSeconds) => verifierOf(key, { toleranceSeconds, allowLargeTolerance: true }),
  ],
  ['policy.maxTokenAgeSeconds', 60, (maxTokenAgeSeconds) => verifierOf(key, { maxTokenAgeSeconds })],
  ['cache.maxEntries', 100, (maxEntries) => createCachedVerifier(verifierOf(key), { maxEntries })],
  ['minter.lifetimeSeconds', 60, (lifetimeSeconds) => createTxnMinter({ ...minter, lifetimeSeconds })],
  ['minter.reuseWindowSeconds', 0, (reuseWindowSeconds) => createTxnMinter({ ...minter, reuseWindowSeconds })],
  ['txn.toleranceSeconds', 0, (toleranceSeconds) => createTxnVerifier({ ...txn, toleranceSeconds })],
  ['txn cache.maxEntries', 100, (maxEntries) => createTxnPipeline({ ...txn, cache: { maxEntries } })],
  ['remoteKeys.timeoutMs', 1000, (timeoutMs) => createRemoteKeys({ ...remote, timeoutMs })],
  ['remoteKeys.maxBytes', 1000, (maxBytes) => createRemoteKeys({ ...remote, maxBytes })],
  ['remoteKeys.cooldownMs', 1000, (cooldownMs) => createRemoteKeys({ ...remote, cooldownMs })],
  ['remoteKeys.refreshMs', 1000, (refreshMs) => createRemoteKeys({ ...remote, refreshMs })],
  ['remoteKeys.maxAgeMs', 1e7, (maxAgeMs) => createRemoteKeys({ ...remote, maxAgeMs })],
  ['verifyJws maxTokenBytes', 4096, (maxTokenBytes) => verifyJws(token, createVerificationKey(key.material), { maxTokenBytes })],
];

describe('B2: numeric options', () => {
  test.each(OPTIONS)('B2: %s takes %d, and none of what is no number of its kind', (_, good, build) => {
    expect(outcome(() => build(good as never))).toBe('accepted');
    for (const bad of BAD)
      expect(
        outcome(() => build(bad as never)),
        String(bad),
      ).toBe('config_invalid');
  });

  test('B2: a tolerance above 300 s needs to be said out loud', () => {
    expect(outcome(() => verifierOf(key, { toleranceSeconds: 300 }))).toBe('accepted');
    expect(outcome(() => verifierOf(key, { toleranceSeconds: 300.001 }))).toBe('config_invalid');
    expect(outcome(() => verifierOf(key, { toleranceSeconds: 301, allowLargeTolerance: true }))).toBe('accepted');
    for (const word of ['true', 1, {}]) {
      expect(outcome(() => verifierOf(key, { toleranceSeconds: 301, allowLargeTolerance: word as never }))).toBe(
        'config_invalid',
      );
    }
  });
});

describe('B2: the clock', () => {
  const readings = [NaN, Infinity, -Infinity, undefined, null, '1800000000000', {}, new Date(NOW * 1000), 5n];

  test.each(readings.map((reading) => [reading]))('B2: a clock that reads %s refuses, cached or not', async (reading) => {
    let now: unknown = reading;
    const verifier = createVerifier({ issuers: [issuerPolicy(key)], clock: () => now as number });
    expect(await verdict(verifier, token)).toBe('clock_invalid');
    const cached = createCachedVerifier(verifier);
    now = NOW * 1000;
    expect(await verdict(cached, token)).toBe('accepted');
    now = reading;
    expect(cached.recall(token)).toBeUndefined();
    expect(await verdict(cached, token)).toBe('clock_invalid');
  });

  test.each(readings.map((reading) => [reading]))('B2: with a clock that reads %s nothing is minted', async (reading) => {
    const subject = await verifiedToken();
    expect(outcome(() => createTxnMinter({ ...minter, clock: () => reading as number }).mint({ subject }))).toBe('clock_invalid');
  });

  test('B2: what is no function is no clock', () => {
    for (const clock of [null, 5, NOW, 'now', {}, new Date()] as never[]) {
      expect(outcome(() => createVerifier({ issuers: [issuerPolicy(key)], clock }))).toBe('config_invalid');
      expect(outcome(() => createTxnMinter({ ...minter, clock }))).toBe('config_invalid');
      expect(outcome(() => createTxnVerifier({ ...txn, clock }))).toBe('config_invalid');
      expect(outcome(() => createRemoteKeys({ ...remote, clock }))).toBe('config_invalid');
    }
  });

  test('B2: at the far ends of time a token is expired or not yet valid', async () => {
    const at = (now: number): Promise<string> =>
      verdict(
        createVerifier({ issuers: [issuerPolicy(key)], clock: () => now }),
        makeToken(key, { payload: accessClaims({ nbf: NOW - 10 }) }),
      );
    expect([await at(Number.MAX_VALUE), await at(Number.MAX_SAFE_INTEGER)]).toEqual(['token_expired', 'token_expired']);
    expect([await at(0), await at(-1), await at(-Number.MAX_VALUE)]).toEqual([
      'token_not_yet_valid',
      'token_not_yet_valid',
      'token_not_yet_valid',
    ]);
  });
});
