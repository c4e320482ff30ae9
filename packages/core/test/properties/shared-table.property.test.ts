/** The shared table against a Map: random lives of a table, seen by three threads, each of which may be asked. */
import { describe, expect, it } from 'vitest';
import { type SharedTable, createSharedTable, openSharedTable } from '../../src/cache/shared-table.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const START = 1_800_000_000_000;
const KEYS = ['k'.repeat(43), 'l'.repeat(43)] as const;

/** What anybody would write: the last proof of each token and key. */
class Model {
  readonly #proofs = new Map<string, { expiresAtMs: number; era: string }>();

  has(name: string, nowMs: number, era: string): boolean {
    const proof = this.#proofs.get(name);
    return proof !== undefined && proof.era === era && nowMs < proof.expiresAtMs;
  }

  store(name: string, expiresAtMs: number, era: string, currentEra: string, nowMs: number): void {
    const wholeSeconds = Math.floor(expiresAtMs / 1000) * 1000;
    if (era !== currentEra || wholeSeconds <= nowMs) return;
    const known = this.#proofs.get(name);
    const isBetter = known === undefined || known.era !== era || known.expiresAtMs < wholeSeconds;
    if (isBetter) this.#proofs.set(name, { expiresAtMs: wholeSeconds, era });
  }
}

interface Tally {
  yes: number;
  /** The model remembers what the table had to push out. */
  forgotten: number;
}

function live(random: SeededRandom, entries: number, names: number, steps: number): Tally {
  const first = createSharedTable({ entries });
  const views: readonly SharedTable[] = [first, openSharedTable(first.handle), openSharedTable(structuredClone(first.handle))];
  const model = new Model();
  const eras = [first.era()];
  const tally: Tally = { yes: 0, forgotten: 0 };
  let nowMs = START;
  for (let step = 0; step < steps; step += 1) {
    const view = random.pick(views);
    const name = `token-${random.int(names)}`;
    const keyId = random.pick(KEYS);
    const current = JSON.stringify(view.era());
    const dice = random.next();
    if (dice < 0.5) {
      const known = view.has(name, keyId, nowMs);
      const expected = model.has(name + keyId, nowMs, current);
      // Never more than the model; less only where something was pushed out.
      if (known && !expected) expect.fail(`wrong yes: seed ${random.seed}, step ${step}`);
      if (known) tally.yes += 1;
      if (expected && !known) tally.forgotten += 1;
    } else if (dice < 0.95) {
      const expiresAtMs = nowMs + random.between(-2000, 60_000);
      const era = random.chance(0.9) ? view.era() : random.pick(eras);
      view.store(name, keyId, expiresAtMs, era, nowMs);
      model.store(name + keyId, expiresAtMs, JSON.stringify(era), current, nowMs);
    } else if (dice < 0.99) nowMs += random.between(-500, 3000);
    else {
      if (random.chance(0.5)) view.bumpKeys();
      else view.bumpRevocations();
      eras.push(view.era());
    }
  }
  const pushedOut = views.reduce((sum, view) => sum + view.stats().evicted, 0);
  if (tally.forgotten > 0 && pushedOut === 0) expect.fail(`forgotten without need: seed ${random.seed}`);
  return tally;
}

describe('S9: the shared table never says yes where a Map of proofs says no', () => {
  it('roomy: it forgets nothing at all', () => {
    const random = new SeededRandom(freshSeed());
    const { yes, forgotten } = live(random, 4000, 100, amount(50_000, 5_000_000));
    expect([yes > 1000, forgotten], `seed ${random.seed}`).toEqual([true, 0]);
  });

  it('crowded: it forgets, and no more', () => {
    const random = new SeededRandom(freshSeed());
    const { yes, forgotten } = live(random, 16, 60, amount(50_000, 5_000_000));
    expect([yes > 1000, forgotten > 100], `seed ${random.seed}`).toEqual([true, true]);
  });
});
