/** C6: the issuer removes a key while tokens signed with it arrive (Azure AD, 15 March 2021). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { KEY_VANISHED_CHANNEL } from '../../src/keys/key-vanished.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { published } from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { SimulatedIssuer } from '../support/simulated-issuer.ts';
import { ISSUER, NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const used = testKey('ES256', 'used');
const idle = testKey('ES256', 'idle');
const payload = accessClaims({ exp: NOW + 100_000 });
const usedToken = makeToken(used, { payload });

const alarms: unknown[] = [];
const note = (message: unknown): number => alarms.push(message);
beforeEach(() => {
  alarms.length = 0;
  subscribe(KEY_VANISHED_CHANNEL, note);
});
afterEach(() => {
  unsubscribe(KEY_VANISHED_CHANNEL, note);
});

const verifierWith = (keys: ReturnType<SimulatedIssuer['keys']>, issuer: SimulatedIssuer): Verifier =>
  createVerifier({ issuers: [issuerPolicy(used, { keys })], clock: issuer.clock });

describe('without retention', () => {
  test('C6: the key ends with the refresh that misses it, and there is an alarm', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys();
    const verifier = createCachedVerifier(verifierWith(keys, issuer));
    await verifier.verify(usedToken);
    issuer.published = [published(idle)];
    await issuer.pass(300_000);
    expect(alarms).toEqual([{ issuer: ISSUER, kid: 'used', alg: 'ES256', replaced: false }]);
    expect([verifier.recall(usedToken), await verdict(verifier, usedToken)]).toEqual([undefined, 'key_unknown']);
    expect(keys.stats()).toMatchObject({ vanished: 1, retained: 0, keys: 1 });
  });

  test('C6: a key that nobody has used since the last refresh retires quietly', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys();
    const verifier = verifierWith(keys, issuer);
    await verifier.verify(usedToken);
    issuer.published = [published(used)];
    await issuer.pass(300_000);
    issuer.published = [published(idle)];
    await issuer.pass(300_000);
    expect(alarms).toEqual([]);
  });
});

describe('with a retention window', () => {
  test('C6: the key works to the end of its window, to the millisecond, and cached verdicts go then', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys({ retentionMs: 500_000, random: () => 0 });
    const verifier = createCachedVerifier(verifierWith(keys, issuer));
    await verifier.verify(usedToken);
    // No refresh falls on its end.
    const removed: unknown[] = [];
    keys.onRemoval((gone) => removed.push([issuer.nowMs, ...gone.map(({ kid }) => kid)]));
    issuer.published = [published(idle)];
    await issuer.pass(300_000);
    const untilMs = issuer.nowMs + 500_000;
    expect(alarms).toEqual([{ issuer: ISSUER, kid: 'used', alg: 'ES256', replaced: false, retainedUntilMs: untilMs }]);
    expect(keys.stats()).toMatchObject({ vanished: 1, retained: 1, keys: 1 });
    await issuer.pass(499_999);
    expect([verifier.recall(usedToken) !== undefined, await verdict(verifier, usedToken), removed]).toEqual([
      true,
      'accepted',
      [],
    ]);
    await issuer.pass(1);
    // By the timer alone: nobody has asked since.
    expect(removed).toEqual([[untilMs, 'used']]);
    expect([verifier.recall(usedToken), await verdict(verifier, usedToken)]).toEqual([undefined, 'key_unknown']);
    expect([removed.length, alarms.length, keys.stats().retained]).toEqual([1, 1, 0]);
  });

  test('C6: a look-up keeps to the window even where no timer runs', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys({ retentionMs: 600_000, schedule: () => () => {} });
    await verifierWith(keys, issuer).verify(usedToken);
    issuer.published = [published(idle)];
    await keys.refresh();
    expect(keys.lookup('ES256', 'used', issuer.nowMs + 599_999)).toBeDefined();
    expect(keys.lookup('ES256', 'used', issuer.nowMs + 600_000)).toBeUndefined();
  });

  test('C6: a key that comes back is no removal, and its next absence has a window of its own', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys({ retentionMs: 600_000, random: () => 0 });
    const verifier = verifierWith(keys, issuer);
    await verifier.verify(usedToken);
    let removals = 0;
    keys.onRemoval(() => (removals += 1));
    for (let round = 0; round < 3; round += 1) {
      issuer.published = [published(idle)];
      await issuer.pass(300_000);
      issuer.published = [published(used)];
      await issuer.pass(300_000);
      expect([await verdict(verifier, usedToken), keys.stats().retained]).toEqual(['accepted', 1]);
    }
    expect([removals, alarms.length]).toEqual([0, 3]);
  });

  test('C6: another key under its key id ends it at once: the issuer has said who bears that name', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys({ retentionMs: 600_000 });
    const verifier = verifierWith(keys, issuer);
    await verifier.verify(usedToken);
    const removed: unknown[] = [];
    keys.onRemoval((gone) => removed.push(...gone.map(({ kid }) => kid)));
    const heir = testKey('ES256', 'heir');
    issuer.published = [published(heir, { kid: 'used' })];
    await keys.refresh();
    expect(alarms).toEqual([{ issuer: ISSUER, kid: 'used', alg: 'ES256', replaced: true }]);
    expect([await verdict(verifier, usedToken), removed]).toEqual(['signature_invalid', ['used']]);
    const heirToken = makeToken(heir, { payload, header: { kid: 'used' } });
    expect(await verdict(verifier, heirToken)).toBe('accepted');
  });

  test('C6: a retained key whose key id is given away ends before its window does', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys({ retentionMs: 600_000 });
    const verifier = verifierWith(keys, issuer);
    await verifier.verify(usedToken);
    issuer.published = [published(idle)];
    await keys.refresh();
    expect(await verdict(verifier, usedToken)).toBe('accepted');
    issuer.published = [published(idle), published(testKey('ES256', 'heir'), { kid: 'used' })];
    await keys.refresh();
    expect([await verdict(verifier, usedToken), keys.stats().retained]).toEqual(['signature_invalid', 0]);
  });

  test('C6: a retained key never makes a token without key id ambiguous, nor verifies one', async () => {
    const issuer = new SimulatedIssuer(published(used));
    const keys = issuer.keys({ retentionMs: 600_000 });
    const verifier = verifierWith(keys, issuer);
    const nameless = makeToken(used, { payload, header: { kid: undefined } });
    await verifier.verify(nameless);
    issuer.published = [published(idle)];
    await keys.refresh();
    expect(await verdict(verifier, nameless)).toBe('signature_invalid');
    expect(await verdict(verifier, makeToken(idle, { payload, header: { kid: undefined } }))).toBe('accepted');
    // Where the set leaves it open whose token this is, the one retained key does not decide it.
    issuer.published = [published(idle), published(testKey('ES256', 'heir'))];
    await keys.refresh();
    expect([keys.stats().retained, await verdict(verifier, nameless)]).toEqual([1, 'key_unknown']);
  });

  test('C6: retention lends no life beyond the age limit', async () => {
    const issuer = new SimulatedIssuer(published(used), published(idle));
    const keys = issuer.keys({ retentionMs: 1e9 });
    const verifier = verifierWith(keys, issuer);
    await verifier.verify(usedToken);
    issuer.published = [published(idle)];
    await keys.refresh();
    issuer.outage = () => new Response('', { status: 500 });
    await issuer.pass(3_600_000);
    expect(await verdict(verifier, usedToken)).toBe('keys_unavailable');
  });
});
