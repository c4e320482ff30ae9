import { describe, expect, it } from 'vitest';
import { type CacheSimulation, simulateCache } from '../src/index.ts';
import { type CacheHits, cacheHits } from '../src/model/cache-hits.ts';
import { fifoHitRatio } from '../src/model/header-table.ts';
import { zipfClasses } from '../src/model/users.ts';
import { type Random, createRandom } from '../src/simulation/random.ts';

const IS_LONG = process.env.WATCHWORD_LONG === '1';
/**
 * SIEVE falls short of the aim, one point for all: of the 200, five are more than two points off, one of them six. Small caches are
 * far from their fluid limit.
 */
const TOLERANCE = { unbounded: 0.01, fifo: 0.01, sieve: IS_LONG ? 0.07 : 0.02 } as const;

interface Case extends CacheSimulation {
  readonly kind: 'unbounded' | 'sieve' | 'fifo';
}

const between = (random: Random, low: number, high: number): number => low * (high / low) ** random.uniform();

/** Number `index` of the random scenarios, always the same. */
function scenario(index: number): Case {
  const random = createRandom(index);
  for (let skip = 0; skip < 8; skip += 1) random.uniform();
  const kind = (['unbounded', 'sieve', 'fifo'] as const)[index % 3]!;
  const users = Math.round(between(random, 4_000, 12_000));
  const requestsPerSecond = users * between(random, 0.2, 1);
  const isSteady = kind !== 'unbounded' || random.uniform() < 0.3;
  const places = kind === 'fifo' ? 1 : 1 + Math.floor(random.uniform() * 6);
  const lifeSeconds = between(random, 20, 120);
  const common = {
    kind,
    users,
    zipf: random.uniform() * 1.1,
    requestsPerSecond,
    session: { busySeconds: between(random, 10, 100), idleSeconds: isSteady ? 0 : between(random, 10, 200) },
    lifeSeconds,
    groups: 1,
    seed: index + 1,
  };
  const requests = 6 * lifeSeconds * requestsPerSecond;
  const lives = kind === 'sieve' ? 5 : 1;
  const counted = { warmUpRequests: Math.round(requests / 2), requests: Math.round((lives * requests) / 2) };
  if (kind === 'unbounded')
    return { ...common, ...counted, places, groups: 1 + Math.floor(random.uniform() * 3), entries: users * 14 };
  const entries = Math.round(users * between(random, 0.1, 0.7));
  if (kind === 'fifo') return { ...common, ...counted, places, entries, eviction: 'fifo' };
  return { ...common, ...counted, places, entries };
}

function formula({ kind, users, zipf, requestsPerSecond, ...layout }: Case): number {
  const classes = zipfClasses(users, zipf, requestsPerSecond);
  if (kind === 'fifo') return fifoHitRatio(classes, layout.lifeSeconds, layout.entries);
  const hits: CacheHits = cacheHits({ ...layout, classes, isFine: true });
  return kind === 'unbounded' ? hits.unboundedHitRatio : hits.hitRatio;
}

describe('the hit ratio of the formula is within a point of the simulator, further for SIEVE,', () => {
  const numbers = Array.from({ length: IS_LONG ? 200 : 15 }, (_, index) => index);
  it.each(numbers)('in random scenario %d of 200', (index) => {
    const each = scenario(index);
    const [computed, simulated] = [formula(each), simulateCache(each).hitRatio];
    expect(Math.abs(computed - simulated), `${each.kind}: ${computed} and ${simulated}`).toBeLessThan(TOLERANCE[each.kind]);
  });
});

describe('caches', () => {
  const layout = {
    classes: zipfClasses(10_000, 0.8, 5_000),
    session: { busySeconds: 60, idleSeconds: 0 },
    lifeSeconds: 300,
    places: 2,
    groups: 1,
    entries: 1e6,
  };

  it.each([0, 30, 300])('with more life, fewer places, or affinity never answer less (idle for %d s)', (idleSeconds) => {
    const ratioOf = (change: object): number =>
      cacheHits({ ...layout, session: { busySeconds: 60, idleSeconds }, ...change }).unboundedHitRatio;
    const rising = [60, 120, 600, 6_000].map((lifeSeconds) => ratioOf({ lifeSeconds }));
    expect(rising).toEqual(rising.toSorted((one, other) => one - other));
    const falling = [1, 2, 8, 64, 1_000].map((places) => ratioOf({ places }));
    expect(falling).toEqual(falling.toSorted((one, other) => other - one));
    expect(ratioOf({ places: 1, groups: 64 })).toBeCloseTo(ratioOf({ places: 1 }));
  });

  it('with more entries never answer less, beyond the fineness of the computation', () => {
    const ratios = [500, 1_000, 2_000, 4_000, 8_000, 64_000].map(
      (entries) => cacheHits({ ...layout, entries, isFine: true }).hitRatio,
    );
    for (const [index, ratio] of ratios.slice(1).entries()) expect(ratio).toBeGreaterThan(ratios[index]! - 0.005);
  });

  it('of one place and a steady stream: rate times life over one more', () => {
    const { unboundedHitRatio } = cacheHits({ ...layout, classes: [{ users: 7, requestsPerSecond: 0.5 }], places: 1 });
    expect(unboundedHitRatio).toBeCloseTo(150 / 151, 9);
  });
});

describe('the simulator', () => {
  const simulation: CacheSimulation = {
    users: 50_000,
    zipf: 0.8,
    requestsPerSecond: 25_000,
    session: { busySeconds: 60, idleSeconds: 0 },
    lifeSeconds: 60,
    places: 2,
    groups: 1,
    entries: 20_000,
    seed: 1,
    warmUpRequests: 0,
    requests: 500_000,
  };

  it('gives the same for the same seed, and something else for another', () => {
    expect(simulateCache(simulation)).toEqual(simulateCache(simulation));
    expect(simulateCache(simulation).hits).not.toBe(simulateCache({ ...simulation, seed: 2 }).hits);
  });

  it('runs 10 million requests in seconds', () => {
    const before = performance.now();
    const { uses } = simulateCache({ ...simulation, requests: 10_000_000 });
    expect(uses).toBe(10_000_000);
    // About 4 s alone on a core; other tests may run beside it.
    expect(performance.now() - before).toBeLessThan(25_000);
  });
});
