/** Row S21: a machine whose clock is wrong, next to the true time that only the test knows. */
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { testKey } from '../support/keys.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const key = testKey('HS256');
const SECOND = 1000;
const DAY = 86_400 * SECOND;
const START_MS = NOW * 1000;

/** What the machine reads, given the true time. Both in Unix milliseconds. */
type Reading = (trueMs: number) => number;

const constant =
  (skewMs: number): Reading =>
  (trueMs) =>
    trueMs + skewMs;
const stepped =
  (beforeMs: number, afterMs: number): Reading =>
  (trueMs) =>
    trueMs + (trueMs < START_MS + 150 * SECOND ? beforeMs : afterMs);

const SKEWS = [0, 1, 4, 5, 30, 60, 299, 300, 3600, 86_400].flatMap((seconds) => [seconds * SECOND, -seconds * SECOND]);
const CLOCKS: Readonly<Record<string, Reading>> = {
  ...Object.fromEntries(SKEWS.map((skewMs) => [`${skewMs / SECOND} s off`, constant(skewMs)])),
  'stepped back by 4 s': stepped(0, -4 * SECOND),
  'stepped back by a day': stepped(0, -DAY),
  'stepped forth by a day': stepped(0, DAY),
  'behind, set right by NTP': stepped(-60 * SECOND, 0),
  'ahead, set right by NTP': stepped(60 * SECOND, 0),
  frozen: (trueMs) => Math.min(trueMs, START_MS + 150 * SECOND),
  'running backwards': (trueMs) => 2 * START_MS - trueMs,
  'running half as fast': (trueMs) => START_MS + (trueMs - START_MS) / 2,
  'slewed by 500 ppm': (trueMs) => START_MS + (trueMs - START_MS) * (1 - 500e-6),
};

interface Moment {
  readonly trueMs: number;
  readonly localMs: number;
  readonly answer: string;
  readonly lifetimeEndsMs: number;
}

/** Asks about tokens that expire at different times, for ten minutes, cached and uncached side by side. */
async function live(reading: Reading, toleranceSeconds: number, random: SeededRandom): Promise<Moment[]> {
  let trueMs = START_MS;
  const policy = { issuers: [issuerPolicy(key, { toleranceSeconds })], clock: (): number => reading(trueMs) };
  const uncached = createVerifier(policy);
  const cached = createCachedVerifier(createVerifier(policy));
  const tokens = Array.from({ length: 4 }, (_, index) => {
    const exp = NOW + 20 + random.int(300);
    return { exp, compact: makeToken(key, { payload: accessClaims({ iat: NOW - 400, jti: `token-${index}`, exp }) }) };
  });
  const seen: Moment[] = [];
  while (trueMs < START_MS + 720 * SECOND) {
    for (const { exp, compact } of tokens) {
      const answer = await verdict(uncached, compact);
      expect(await verdict(cached, compact), `at ${trueMs - START_MS} ms`).toBe(answer);
      expect(cached.recall(compact) !== undefined, `recalled at ${trueMs - START_MS} ms`).toBe(answer === 'accepted');
      seen.push({ trueMs, localMs: reading(trueMs), answer, lifetimeEndsMs: exp * SECOND });
    }
    trueMs += 1 + random.int(amount(40_000, 1500));
  }
  return seen;
}

/** How long after its expiry by true time a token was accepted at most, in milliseconds. */
function lateness(moments: readonly Moment[]): number {
  const late = moments.filter(({ answer }) => answer === 'accepted').map(({ trueMs, lifetimeEndsMs }) => trueMs - lifetimeEndsMs);
  return Math.max(-Infinity, ...late);
}

describe('S21: wrong clocks', () => {
  const seed = freshSeed();

  test.each(Object.entries(CLOCKS))('S21: %s: cached equals uncached, and nothing is accepted by luck', async (_, reading) => {
    for (const tolerance of [0, 5, 60, 300]) {
      const moments = await live(reading, tolerance, new SeededRandom(seed));
      for (const { trueMs, localMs, answer, lifetimeEndsMs } of moments) {
        const name = `seed ${seed}, tolerance ${tolerance}, at ${trueMs - START_MS} ms`;
        // By the machine's own clock the rule is exact, whatever the clock did before.
        expect(answer, name).toBe(localMs < lifetimeEndsMs + tolerance * SECOND ? 'accepted' : 'token_expired');
      }
      // By true time: the tolerance, and what the clock was behind.
      const behindMs = Math.max(0, ...moments.map(({ trueMs, localMs }) => trueMs - localMs));
      expect(lateness(moments)).toBeLessThan(tolerance * SECOND + behindMs + 1);
    }
  });

  // A verifier has no other clock than the wrong one, so whoever allows for clocks must leave them room: of a leeway, the part
  // that the clock may be behind is not given to the tolerance as well.
  test.each([
    [5, 0, 5],
    [5, 2, 3],
    [60, 30, 30],
    [60, 59, 1],
    [300, 240, 60],
  ])(
    'S21: leeway %i s = tolerance %i s + skew %i s: 0 accepted later than exp + leeway by true time',
    async (leeway, tolerance, skewSeconds) => {
      for (let skewMs = -skewSeconds * SECOND; skewMs <= skewSeconds * SECOND; skewMs += (skewSeconds * SECOND) / 4) {
        const late = lateness(await live(constant(skewMs), tolerance, new SeededRandom(seed)));
        expect(late, `seed ${seed}, ${skewMs} ms off`).toBeLessThan(leeway * SECOND);
        expect(late).not.toBe(-Infinity);
      }
    },
  );

  test('S21: a skew of no more than the tolerance costs no token its lifetime', async () => {
    for (const skewMs of SKEWS.filter((skew) => Math.abs(skew) <= 60 * SECOND)) {
      const moments = await live(constant(skewMs), 60, new SeededRandom(seed));
      const alive = moments.filter(({ trueMs, lifetimeEndsMs }) => trueMs < lifetimeEndsMs);
      expect(alive.length).toBeGreaterThan(0);
      expect(alive.filter(({ answer }) => answer !== 'accepted')).toEqual([]);
    }
  });
});
