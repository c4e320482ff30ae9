/** S12: whatever happens to instances, their clocks, their connections and their store, no token is signed that verifiers can't check. */
import { describe, expect, test } from 'vitest';
import { ManualSchedule, settle } from '../revocation/manual-schedule.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { Instance, ObservedStore, POLL_MS, SOONEST_MS } from './signing-key-instances.ts';
import { POLICY, START_MS } from './signing-key-world.ts';

/** Longest time to the next look at the store, and some. */
const LOOK_MS = POLL_MS + 1000;

class World {
  readonly time = new ManualSchedule(START_MS);
  readonly store = new ObservedStore(this.time);
  readonly random: SeededRandom;
  readonly broken: string[] = [];
  /** Latest `exp` of what was signed, by key. */
  readonly signedUntilMs = new Map<string, number>();
  readonly losses: boolean;
  instances: Instance[];
  signed = 0;
  refused = 0;
  lost = 0;

  constructor(seed: number, losses: boolean) {
    this.random = new SeededRandom(seed);
    this.losses = losses;
    this.instances = Array.from({ length: this.random.between(1, 4) }, () => this.#start());
  }

  async step(): Promise<void> {
    await this.#happen();
    await this.time.pass(this.random.pick([100, 3000, 20_000, 120_000, 600_000, 1_500_000]));
    await settle();
    for (const instance of this.instances) if (!instance.isStalled) this.#check(instance);
  }

  async end(): Promise<void> {
    // One that is stopped would not end.
    for (const each of this.instances) {
      each.stallsAtWrite = false;
      each.resume();
    }
    await Promise.all(this.instances.map(({ set }) => set.close()));
  }

  #start(): Instance {
    return new Instance(this.store, this.time, this.random);
  }

  async #happen(): Promise<void> {
    const { random, instances } = this;
    const index = random.int(instances.length);
    const one = instances[index]!;
    const what = random.int(12);
    if (what === 0) instances.splice(index, 1, this.#start());
    else if (what === 1) one.stall();
    else if (what === 2) for (const each of instances) each.resume();
    else if (what === 3) one.isCutOff = !one.isCutOff;
    else if (what === 4) for (const each of instances) each.isCutOff = false;
    else if (what === 5) one.losesAnswer = true;
    else if (what === 6) one.offsetMs = random.between(-9000, 9000);
    else if (what === 7 && random.chance(0.2)) for (const each of instances) each.isCutOff = true;
    else if (what === 8) void one.set.rotate().catch(() => {});
    else if (what === 9) one.stallsAtWrite = true;
    else if (what === 10) await this.#withdraw(one);
    else if (this.losses) await this.#lose();
  }

  async #withdraw({ set }: Instance): Promise<void> {
    if (!this.random.chance(0.3)) return;
    const known = set.describe();
    if (known.length === 0) return;
    // Whether it comes through, the store sees.
    void set.withdraw(this.random.pick(known).kid).catch(() => {});
    await settle();
  }

  // A store that goes back in time, with instances there that know what was lost, and can say it.
  async #lose(): Promise<void> {
    for (const each of this.instances) {
      each.isCutOff = false;
      each.losesAnswer = false;
      each.stallsAtWrite = false;
      each.resume();
    }
    await this.time.pass(LOOK_MS);
    if (!(await this.store.loseLast())) return;
    this.lost += 1;
    await this.time.pass(2 * LOOK_MS);
    await settle();
  }

  #check(instance: Instance): void {
    const { nowMs, set } = instance;
    const worldMs = this.time.nowMs;
    // What a service may still hold of a key, every instance that has seen the key shows.
    for (const [kid, untilMs] of this.signedUntilMs) {
      const { storedAtMs } = this.store.keys.get(kid)!;
      const isLive = nowMs - POLICY.toleranceMs < untilMs;
      if (this.store.withdrawn.has(kid)) continue;
      if (isLive && instance.readAtMs > storedAtMs && !this.#publishes(instance, kid))
        this.#fail(`${kid} is live, not published`);
    }
    for (const kid of this.store.withdrawn) {
      // Known to be gone by everybody who has looked since; who could not look, cannot know.
      if (instance.readAtMs > this.store.withdrawnAtMs.get(kid)! && this.#publishes(instance, kid)) this.#fail(`${kid} is back`);
    }
    this.#sign(instance, worldMs);
    if (set.stats().restored > 0 && this.lost === 0) this.#fail('given back, though nothing was lost');
  }

  #sign(instance: Instance, worldMs: number): void {
    const { nowMs, set } = instance;
    let usable;
    try {
      usable = set.current(nowMs);
    } catch {
      this.refused += 1;
      return;
    }
    const { kid } = usable.key;
    const stored = this.store.keys.get(kid);
    if (stored === undefined) return this.#fail(`${kid} is nobody else's`);
    this.signed += 1;
    const isFirst = stored.activatesAtMs === stored.publishedAtMs;
    if (!isFirst && worldMs < stored.storedAtMs + SOONEST_MS) this.#fail(`${kid} signs too soon`);
    if (!this.#publishes(instance, kid)) this.#fail(`${kid} signs unpublished`);
    const untilMs = Math.min(nowMs + POLICY.tokenLifetimeMs, usable.tokensUntilMs);
    this.signedUntilMs.set(kid, Math.max(untilMs, this.signedUntilMs.get(kid) ?? 0));
  }

  #publishes({ set, nowMs }: Instance, kid: string): boolean {
    return set.published(nowMs).some((key) => key.kid === kid);
  }

  #fail(what: string): void {
    this.broken.push(what);
  }
}

interface Total {
  readonly signed: number;
  readonly refused: number;
  readonly keys: number;
  readonly lost: number;
  readonly withdrawn: number;
}

async function campaign(losses: boolean): Promise<Total> {
  const total = { signed: 0, refused: 0, keys: 0, lost: 0, withdrawn: 0 };
  const first = freshSeed();
  for (let seed = first; seed < first + amount(8, 600); seed += 1) {
    const world = new World(seed, losses);
    for (let step = 0; step < 120; step += 1) await world.step();
    await world.end();
    expect({ seed, broken: world.broken.slice(0, 3), hasty: world.store.hasty, revived: world.store.revived }).toEqual({
      seed,
      broken: [],
      hasty: [],
      revived: [],
    });
    if (!losses) expect({ seed, made: world.store.rotations }).toEqual({ seed, made: world.store.keys.size });
    total.signed += world.signed;
    total.refused += world.refused;
    total.keys += world.store.keys.size;
    total.lost += world.lost;
    total.withdrawn += world.store.withdrawn.size;
  }
  return total;
}

const LONG = { timeout: amount(60_000, 1_200_000) };

describe('S12: instances with clocks, crashes, stops, cut connections and lost answers', () => {
  test(
    'S12: no key signs before it could be seen, none is taken away while its tokens live, each is made by one',
    LONG,
    async () => {
      const { signed, refused, keys } = await campaign(false);
      expect(signed).toBeGreaterThan(400);
      expect(keys).toBeGreaterThan(40);
      // Most of all because of stores that were away for long, or had never been there.
      expect(refused).toBeLessThan(signed);
    },
  );

  test('S12: the same with a store that loses what it acknowledged', LONG, async () => {
    const { signed, lost, withdrawn } = await campaign(true);
    expect(signed).toBeGreaterThan(400);
    expect(lost).toBeGreaterThan(2);
    expect(withdrawn).toBeGreaterThan(2);
  });
});
