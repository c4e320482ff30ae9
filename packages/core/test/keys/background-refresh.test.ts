/** Keys that refresh themselves: a withdrawn key ends without a single look-up (C6, D7). Time is simulated. */
import { describe, expect, it } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import type { Withdrawal } from '../../src/verify/withdrawal.ts';
import { published } from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { OUTAGES, SimulatedIssuer } from '../support/simulated-issuer.ts';
import { ISSUER, NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const old = testKey('ES256', 'old');
const next = testKey('ES256', 'next');
const payload = accessClaims({ exp: NOW + 100_000 });
const oldToken = makeToken(old, { payload });

const verifierWith = (keys: ReturnType<SimulatedIssuer['keys']>, issuer: SimulatedIssuer): Verifier =>
  createVerifier({ issuers: [issuerPolicy(old, { keys })], clock: issuer.clock });

describe('the refresh', () => {
  it('nothing runs before the first use, and nothing after close', async () => {
    const issuer = new SimulatedIssuer(published(old));
    const keys = issuer.keys();
    await issuer.pass(3_600_000);
    expect([issuer.moments.length, issuer.timers]).toEqual([0, 0]);
    await keys.ready();
    expect(issuer.timers).toBe(1);
    keys.close();
    await issuer.pass(3_000_000);
    keys.lookup('ES256', 'old', issuer.nowMs);
    await keys.load('ES256', 'unknown').catch(() => {});
    await expect(keys.refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
    expect([issuer.moments.length, issuer.timers]).toEqual([1, 0]);
    expect(keys.lookup('ES256', 'old', issuer.nowMs)).toBeDefined();
  });

  it('closed during a fetch: no further one is planned', async () => {
    const issuer = new SimulatedIssuer(published(old));
    const keys = issuer.keys();
    const ready = keys.ready();
    keys.close();
    await ready;
    expect(issuer.timers).toBe(0);
  });

  it('comes up to a tenth early, by chance, and never late', async () => {
    for (const [chance, gapMs] of [
      [0, 300_000],
      [0.5, 285_000],
      [0.999_999, 270_000],
    ] as const) {
      const issuer = new SimulatedIssuer(published(old));
      await issuer.keys({ random: () => chance }).ready();
      await issuer.pass(1_000_000);
      const gaps = issuer.moments.slice(1).map((moment, index) => Math.round(moment - issuer.moments[index]!));
      expect(gaps).toEqual([gapMs, gapMs, gapMs]);
    }
  });

  it('after a failure it comes again, no sooner than twice the cool-down', async () => {
    const issuer = new SimulatedIssuer(published(old));
    const keys = issuer.keys({ random: () => 0 });
    issuer.outage = OUTAGES['answers 500'];
    await expect(keys.ready()).rejects.toMatchObject({ code: 'keys_unavailable' });
    await issuer.pass(60_000);
    issuer.outage = undefined;
    await issuer.pass(30_000);
    expect(issuer.moments.map((moment) => moment - NOW * 1000)).toEqual([0, 30_000, 60_000, 90_000]);
    expect([keys.ageMs(), keys.stats().failures]).toEqual([0, 3]);
  });

  it('a broken clock does not end it', async () => {
    const issuer = new SimulatedIssuer(published(old));
    const keys = issuer.keys({ random: () => 0 });
    await keys.ready();
    await issuer.pass(299_999);
    const { nowMs } = issuer;
    issuer.nowMs = NaN;
    await expect(keys.refresh()).rejects.toMatchObject({ code: 'clock_invalid' });
    issuer.nowMs = nowMs;
    expect(issuer.timers).toBe(1);
  });
});

describe('D7: a key that the issuer withdraws', () => {
  it('stops verifying within the refresh bound without a look-up, and whoever remembers verdicts is told', async () => {
    const issuer = new SimulatedIssuer(published(old), published(next));
    const keys = issuer.keys();
    const verifier = verifierWith(keys, issuer);
    const cached = createCachedVerifier(verifier);
    const token = await cached.verify(oldToken);
    const withdrawals: Withdrawal[] = [];
    const stop = verifier.onWithdrawal!((withdrawal) => withdrawals.push(withdrawal));
    issuer.published = [published(next)];
    await issuer.pass(300_000);
    expect(withdrawals).toEqual([{ issuer: ISSUER, keyId: token.key.id }]);
    expect([verifier.holds(token), cached.recall(oldToken)]).toEqual([false, undefined]);
    expect(await verdict(cached, oldToken)).toBe('key_unknown');
    stop();
    issuer.published = [published(old)];
    await keys.refresh();
    expect(withdrawals.length).toBe(1);
  });

  it('other material under its key id withdraws it; the same material anew does not', async () => {
    const issuer = new SimulatedIssuer(published(old));
    const keys = issuer.keys();
    await keys.ready();
    const removed: (string | undefined)[] = [];
    keys.onRemoval((gone) => removed.push(...gone.map(({ kid }) => kid)));
    await keys.refresh();
    expect(removed).toEqual([]);
    issuer.published = [published(next, { kid: 'old' })];
    await keys.refresh();
    expect(removed).toEqual(['old']);
  });

  it('age and outages withdraw nothing: the verdict holds again once the issuer is back', async () => {
    const issuer = new SimulatedIssuer(published(old));
    const keys = issuer.keys();
    const verifier = verifierWith(keys, issuer);
    const token = await verifier.verify(oldToken);
    let removals = 0;
    keys.onRemoval(() => (removals += 1));
    issuer.outage = OUTAGES['answers 500'];
    await issuer.pass(3_600_000);
    expect(verifier.holds(token)).toBe(false);
    issuer.outage = undefined;
    await issuer.pass(33_000);
    expect([verifier.holds(token), removals]).toEqual([true, 0]);
  });

  it('D7: local keys tell of what a replacement leaves out, once it is out of force', () => {
    const keys = createLocalKeys({ issuer: ISSUER, keys: [old.material, next.material] });
    const seen: unknown[] = [];
    keys.onRemoval!((gone) =>
      seen.push(
        gone.map(({ kid }) => kid),
        keys.lookup('ES256', 'old', 0),
      ),
    );
    keys.replace({ keys: [next.material] });
    keys.replace({ keys: [next.material] });
    expect(seen).toEqual([['old'], undefined]);
  });
});
