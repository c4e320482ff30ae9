/** Scorecard row S13: the issuer is down for an hour and longer, in every way. Time is simulated. */
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { WatchwordError } from '../../src/errors.ts';
import { published } from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { OUTAGES, SimulatedIssuer } from '../support/simulated-issuer.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { tally, verdict } from '../support/verdicts.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const key = testKey('ES256');
const payload = accessClaims({ exp: NOW + 100_000 });
const known = makeToken(key, { payload });
const unknown = makeToken(key, { payload, header: { kid: 'unknown' } });

const closest = (moments: readonly number[]): number =>
  Math.min(Infinity, ...moments.slice(1).map((moment, index) => moment - moments[index]!));

describe.each(Object.entries(OUTAGES))('an issuer that %s', (_, outage) => {
  test('S13: no error for known keys up to the age limit, then 503 for all; at most one fetch in 30 s', async () => {
    const issuer = new SimulatedIssuer(published(key));
    const keys = issuer.keys();
    const plain = createVerifier({ issuers: [issuerPolicy(key, { keys })], clock: issuer.clock });
    const verifier = createCachedVerifier(plain);
    await verifier.verify(known);
    const startMs = issuer.nowMs;
    issuer.outage = outage;
    const during: string[] = [];
    const strangers: string[] = [];
    for (let second = 1; second < 3600; second += 1) {
      await issuer.pass(SECOND);
      during.push(await verdict(verifier, known));
      if (second % 20 === 0) strangers.push(await verdict(plain, unknown), await verdict(plain, known));
    }
    expect(tally(during)).toEqual({ accepted: 3599 });
    // Before the first failed refresh nobody can know of the outage: an unknown key id starts that refresh.
    expect(tally(strangers)).toEqual({ accepted: 179, keys_unavailable: 179 });
    await issuer.pass(startMs + HOUR - issuer.nowMs);
    const after: string[] = [];
    for (let second = 0; second < 600; second += 1) {
      after.push(await verdict(verifier, known), await verdict(plain, known));
      await issuer.pass(SECOND);
    }
    expect(tally(after)).toEqual({ keys_unavailable: 1200 });
    expect(new WatchwordError('keys_unavailable').facts.http).toBe(503);
    const fetches = issuer.moments.slice(1);
    expect(closest(fetches)).toBeGreaterThanOrEqual(30 * SECOND);
    expect(fetches.length).toBeGreaterThan(100);
    // Back again: nobody asks, yet within the next cool-down all is well.
    issuer.outage = undefined;
    await issuer.pass(33 * SECOND);
    expect([await verdict(verifier, known), keys.stats().lastFailure]).toEqual(['accepted', undefined]);
  });
});
