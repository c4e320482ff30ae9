/** The account of a cache: time saved, and the warning when it is not worth its memory. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CACHE_NOT_WORTH_CHANNEL, CacheWorth } from '../../src/cache/cache-worth.ts';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, makeToken, verifierOf } from '../support/tokens.ts';

const key = testKey('HS256');
let warnings: unknown[];
const listener = (message: unknown): void => void warnings.push(message);

beforeEach(() => {
  warnings = [];
  subscribe(CACHE_NOT_WORTH_CHANNEL, listener);
});
afterEach(() => void unsubscribe(CACHE_NOT_WORTH_CHANNEL, listener));

/** `misses` verifications of `micros` each, with `hitsPerMiss` hits after each of them. */
function run(worth: CacheWorth, misses: number, hitsPerMiss: number, micros: number): void {
  for (let miss = 1; miss <= misses; miss += 1) worth.verified(micros, (miss - 1) * hitsPerMiss);
}

describe('the warning', () => {
  const facts = { entries: 7, bytes: 7000 };
  const create = (): CacheWorth => new CacheWorth('policy-1', () => facts);

  it('comes once for each window in which the cache costs more than it saves', () => {
    run(create(), 35_000, 0, 100);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toEqual({
      policyId: 'policy-1',
      lookups: 10_000,
      hitRate: 0,
      savedMicros: 0,
      spentMicros: 40_000,
      ...facts,
    });
  });

  it('does not come for a cache that saves more', () => {
    run(create(), 35_000, 1, 100);
    expect(warnings).toEqual([]);
  });

  it('does not come while the cache fills', () => {
    run(create(), 19_999, 0, 100);
    expect(warnings).toEqual([]);
  });

  it('weighs time, not hits: half of the look-ups are not enough where verifying is quick', () => {
    run(create(), 15_001, 1, 3);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatchObject({ hitRate: expect.closeTo(0.5, 2) });
  });
});

describe('savedMicros', () => {
  it('is the hits times what a verification takes on this thread, less what a hit takes', async () => {
    let nowMs = 0;
    const plain = verifierOf(key);
    const slow = { ...plain, verify: (compact: string) => ((nowMs += 0.05), plain.verify(compact)) };
    const cached = createCachedVerifier(slow, { stopwatch: () => nowMs });
    const token = makeToken(key);
    for (let call = 0; call < 101; call += 1) await cached.verify(token);
    expect(cached.stats()).toMatchObject({ hits: 100, savedMicros: expect.closeTo(100 * (50 - 0.6), 6) });
  });

  it('a pause of the machine is taken for eight verifications, and a stopwatch gone wrong for none', () => {
    const worth = new CacheWorth('policy-1', () => ({ entries: 0, bytes: 0 }));
    for (const micros of [10, 10, 1e9, NaN, -5]) worth.verified(micros, 0);
    expect(worth.savedMicros(1)).toBeLessThan(10 + 80 / 16);
  });

  it('refused tokens count neither as saved nor as spent', async () => {
    const cached = createCachedVerifier(verifierOf(key));
    const bad = makeToken(key, { signature: Buffer.alloc(32) });
    for (let call = 0; call < 21_000; call += 1) await cached.verify(bad).catch(() => {});
    expect([warnings, cached.stats().savedMicros]).toEqual([[], 0]);
  });
});

it('tokens that never come again: the event says so', async () => {
  const cached = createCachedVerifier(verifierOf(key, { requiredClaims: [] }), { maxEntries: 100 });
  for (let call = 0; call < 20_000; call += 1) await cached.verify(makeToken(key, { payload: accessClaims({ jti: `${call}` }) }));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({ policyId: cached.policyId, hitRate: 0, entries: 100 });
});
