/** What threads prove for each other: the formula against the real table, with caches of threads in front of it as the simulator has them. */
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSharedTable } from '../../core/src/cache/shared-table.ts';
import { cacheHits } from '../src/model/cache-hits.ts';
import { provenRatio } from '../src/model/shared-table.ts';
import { zipfClasses } from '../src/model/users.ts';
import { createDraw } from '../src/simulation/alias-table.ts';
import { type Random, createRandom } from '../src/simulation/random.ts';
import { SieveSet } from '../src/simulation/sieve.ts';

const SEED = Number(process.env.WATCHWORD_SEED ?? randomInt(2 ** 31));
const START_MS = 1_700_000_000_000;
const KEY = 'key-1';

interface System {
  readonly users: number;
  readonly zipf: number;
  readonly requestsPerSecond: number;
  readonly lifeSeconds: number;
  readonly machines: number;
  readonly threads: number;
  /** Of the cache of each thread, and of the table of each machine. */
  readonly entries: number;
  readonly tableEntries: number;
}

const between = (random: Random, low: number, high: number): number => low * (high / low) ** random.uniform();

/** Tables hold at least what the caches of their threads do, as by default they do by far. */
function draw(random: Random): System {
  const users = Math.round(between(random, 1_000, 3_000));
  const threads = 2 + Math.floor(random.uniform() * 5);
  const entries = Math.round(users * between(random, 0.05, 1.2));
  return {
    users,
    zipf: random.uniform(),
    requestsPerSecond: (users * between(random, 3, 30)) / 600,
    lifeSeconds: 600,
    machines: 1 + Math.floor(random.uniform() * 3),
    threads,
    entries,
    tableEntries: Math.round(entries * threads * between(random, 1, 4)),
  };
}

function formula({ users, zipf, requestsPerSecond, lifeSeconds, machines, threads, entries, tableEntries }: System): number {
  const classes = zipfClasses(users, zipf, requestsPerSecond);
  const common = { classes, session: { busySeconds: 600, idleSeconds: 0 }, lifeSeconds, groups: 1 };
  const { missesPerToken } = cacheHits({ ...common, places: machines * threads, entries });
  return provenRatio({ ...common, places: machines, entries: tableEntries, missesPerToken });
}

/** As threads do it: a cache of their own first, then the table, then a signature check. @returns the share without a check */
function counted({ users, zipf, requestsPerSecond, lifeSeconds, machines, threads, ...sizes }: System, random: Random): number {
  const caches = Array.from({ length: machines * threads }, () => new SieveSet(users, sizes.entries, 'sieve'));
  const tables = Array.from({ length: machines }, () => createSharedTable({ entries: sizes.tableEntries }));
  const next = createDraw(
    Float64Array.from({ length: users }, (_, index) => (index + 1) ** -zipf),
    random,
  );
  const expires = Float64Array.from({ length: users }, () => random.uniform() * lifeSeconds);
  const ofLife = lifeSeconds * requestsPerSecond;
  let [nowSeconds, proven, uses] = [0, 0, 0];
  for (let done = 0; done < 5 * ofLife; done += 1) {
    nowSeconds += random.exponential() / requestsPerSecond;
    const user = next();
    if (nowSeconds >= expires[user]!) expires[user] = nowSeconds + lifeSeconds;
    const machine = Math.floor(random.uniform() * machines);
    const cache = caches[machine * threads + Math.floor(random.uniform() * threads)]!;
    const isKnown = cache.use(user, nowSeconds, expires[user]!) || isProven(tables[machine]!, user, nowSeconds, expires[user]!);
    if (done < 2.5 * ofLife) continue;
    uses += 1;
    if (isKnown) proven += 1;
  }
  return proven / uses;
}

function isProven(
  table: ReturnType<typeof createSharedTable>,
  user: number,
  nowSeconds: number,
  expiresSeconds: number,
): boolean {
  const token = `token of user ${user} until ${expiresSeconds}`;
  const nowMs = START_MS + nowSeconds * 1000;
  if (table.has(token, KEY, nowMs)) return true;
  table.store(token, KEY, START_MS + expiresSeconds * 1000, table.era(), nowMs);
  return false;
}

describe(`what some thread of the machine has proven (WATCHWORD_SEED=${SEED})`, () => {
  it('is as the formula says: within 1.5 points on average over 16 random systems, 5 in each', { timeout: 240_000 }, () => {
    let sum = 0;
    for (let index = 0; index < 16; index += 1) {
      const random = createRandom(SEED + 1_000_003 * index);
      for (let skip = 0; skip < 8; skip += 1) random.uniform();
      const system = draw(random);
      const difference = Math.abs(formula(system) - counted(system, random));
      expect(difference, `system ${index}, seed ${SEED}: ${JSON.stringify(system)}`).toBeLessThan(0.05);
      sum += difference;
    }
    expect(sum / 16).toBeLessThan(0.015);
  });

  const system: System = {
    users: 3_000,
    zipf: 0.5,
    requestsPerSecond: 50,
    lifeSeconds: 600,
    machines: 1,
    threads: 4,
    entries: 300,
    tableEntries: 100_000,
  };

  it('is all but the first use of each token where the table holds them all', () => {
    const classes = zipfClasses(system.users, system.zipf, system.requestsPerSecond);
    const session = { busySeconds: 600, idleSeconds: 0 };
    const one = cacheHits({ classes, session, lifeSeconds: 600, places: 1, groups: 1, entries: 100_000 });
    expect(formula(system)).toBeCloseTo(one.unboundedHitRatio, 6);
  });

  it('never gets less with a larger table', () => {
    const ratios = [50, 200, 500, 1_000, 2_000, 3_000, 4_000, 8_000].map((tableEntries) => formula({ ...system, tableEntries }));
    expect(ratios).toEqual(ratios.toSorted((one, other) => one - other));
  });
});
