/** Torn writes: whatever mixture of two writes a reader meets, it never says yes for what was not proven, nor for longer. */
import { describe, expect, it } from 'vitest';
import { SLOT_WORDS } from '../../src/cache/shared-slot.ts';
import { type SharedTable, createSharedTable } from '../../src/cache/shared-table.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { type Write, apply, betweenLoads, traceWrites, wordsOf } from '../support/shared-memory.ts';

const NOW = 1_800_000_000_000;
const KEY = 'k'.repeat(43);
const ENTRIES = 16;

interface Scene {
  readonly table: SharedTable;
  readonly words: Int32Array;
  /** Before the write. */
  readonly before: Int32Array;
  readonly writes: readonly Write[];
  /** Proven once, dead by now, and being overwritten. */
  readonly dead: string;
  /** Being written. */
  readonly fresh: string;
  /** Was never proven. */
  readonly forged: string;
}

/** An entry that is dead, for one of three reasons, is overwritten by one that lives much longer. */
function sceneOf(reason: 'expired' | 'key removed' | 'revoked'): Scene {
  const table = createSharedTable({ entries: ENTRIES });
  const [dead, fresh, forged] = ['token-dead', 'token-live', 'token-fake'];
  const expiry = NOW + (reason === 'expired' ? 1000 : 900_000);
  table.store(dead, KEY, expiry, table.era(), NOW);
  const isHeld = table.has(dead, KEY, NOW);
  if (reason === 'key removed') table.bumpKeys();
  if (reason === 'revoked') table.bumpRevocations();
  const words = wordsOf(table);
  const sharesPlace = (writes: readonly Write[]): boolean => writes.some(({ index }) => index >= 16 && words[index] !== 0);
  // A name whose entry goes where the dead one lies.
  for (let index = 0; ; index += 1) {
    const name = `${fresh}-${index}`;
    const writes = traceWrites(table, () => table.store(name, KEY, NOW + 3_600_000, table.era(), NOW + 2000));
    if (!isHeld || index > 10_000) throw new Error('No such place');
    if (sharesPlace(writes)) return { table, words, before: words.slice(), writes, dead, fresh: name, forged };
  }
}

const REASONS = ['expired', 'key removed', 'revoked'] as const;
const LATER = NOW + 2000;

function expectNoWrongYes({ table, dead, fresh, forged }: Scene, place: unknown): void {
  expect([table.has(dead, KEY, LATER), table.has(forged, KEY, LATER)], `at ${String(place)}`).toEqual([false, false]);
  expect(table.has(fresh, KEY, NOW + 3_600_000), `at ${String(place)}`).toBe(false);
}

describe.each(REASONS)('an entry that is dead (%s), while another is written over it', (reason) => {
  it('a write claims, fills and releases: 15 steps', () => {
    const { writes, table, words, fresh } = sceneOf(reason);
    expect(writes.map(({ index }) => index - writes[0]!.index)).toEqual([
      ...Array.from({ length: SLOT_WORDS }, (_, at) => at),
      0,
    ]);
    expect([writes[0]!.value & 1, writes.at(-1)!.value & 1]).toEqual([1, 0]);
    apply(words, writes);
    expect(table.has(fresh, KEY, LATER)).toBe(true);
  });

  it('stopped after any step: nobody gets a yes, and the others go on', () => {
    const scene = sceneOf(reason);
    for (let steps = 0; steps < scene.writes.length; steps += 1) {
      scene.words.set(scene.before);
      apply(scene.words, scene.writes.slice(0, steps));
      expectNoWrongYes(scene, steps);
      expect(scene.table.has(scene.fresh, KEY, LATER)).toBe(false);
      // The entry of the stopped writer is lost; every token finds another place.
      scene.table.store(scene.fresh, KEY, NOW + 3_600_000, scene.table.era(), LATER);
      expect(scene.table.has(scene.fresh, KEY, LATER), `after ${steps}`).toBe(true);
    }
  });

  it('any subset of the words, as if the processor had stored them in any order', () => {
    const scene = sceneOf(reason);
    // Without the claim: as if the lock were not there. A word that stays as it is makes no difference.
    const changes = scene.writes.slice(1).filter(({ index, value }) => scene.before[index] !== value);
    const whole = 2 ** changes.length - 1;
    expect(whole).toBeGreaterThan(2 ** 10);
    for (let subset = 0; subset <= whole; subset += 1) {
      scene.words.set(scene.before);
      apply(
        scene.words,
        changes.filter((_, bit) => ((subset >> bit) & 1) === 1),
      );
      if (scene.table.has(scene.fresh, KEY, LATER) !== (subset === whole)) expect.fail(`subset ${subset}`);
      if (scene.table.has(scene.dead, KEY, LATER) || scene.table.has(scene.forged, KEY, LATER)) expect.fail(`subset ${subset}`);
    }
  });

  it('writer and reader in turns: every pair of moments, then random interleavings', () => {
    const scene = sceneOf(reason);
    const { table, words, before, writes } = scene;
    const run = (question: string, stepsBefore: (load: number) => number): boolean => {
      words.set(before);
      let done = 0;
      return betweenLoads(
        () => table.has(question, KEY, LATER),
        (load) => {
          const until = Math.min(writes.length, stepsBefore(load));
          apply(words, writes.slice(done, until));
          done = Math.max(done, until);
        },
      ).result;
    };
    const mostLoads = 2 + 8 + 15;
    for (let first = 0; first <= mostLoads; first += 1)
      for (let second = first; second <= mostLoads; second += 1)
        for (let cut = 0; cut <= writes.length; cut += 1) {
          const schedule = (load: number): number => (load >= second ? writes.length : load >= first ? cut : 0);
          if (run(scene.dead, schedule) || run(scene.forged, schedule)) expect.fail(`${first}, ${second}, ${cut}`);
        }
    const random = new SeededRandom(freshSeed());
    for (let round = 0; round < amount(5000, 1_000_000); round += 1) {
      const pace = random.next() * 3;
      let steps = 0;
      const schedule = (): number => (steps += random.chance(0.5) ? Math.round(random.next() * pace) : 0);
      if (run(random.pick([scene.dead, scene.forged]), schedule)) expect.fail(`seed ${random.seed}, round ${round}`);
    }
  });
});

describe('one wrong word', () => {
  it('in an entry, whatever it becomes: no', () => {
    const table = createSharedTable({ entries: ENTRIES });
    table.store('other', KEY, NOW + 300_000, table.era(), NOW);
    const writes = traceWrites(table, () => table.store('token', KEY, NOW + 300_000, table.era(), NOW));
    const words = wordsOf(table);
    apply(words, writes);
    expect(table.has('token', KEY, NOW)).toBe(true);
    const random = new SeededRandom(freshSeed());
    for (const { index, value } of writes.slice(1)) {
      const flips = Array.from({ length: 32 }, (_, bit) => value ^ (1 << bit));
      const others = [0, 1, -1, 2 ** 31 - 1, ...Array.from({ length: 200 }, () => random.int(2 ** 32) | 0)];
      for (const wrong of [...flips, ...others].filter((other) => other !== value)) {
        words[index] = wrong;
        const answers = [table.has('token', KEY, NOW), table.has('token', KEY, NOW + 300_000), table.has('other ', KEY, NOW)];
        expect(answers, `word ${index} = ${wrong}, seed ${random.seed}`).toEqual([false, false, false]);
      }
      words[index] = value;
    }
    expect(table.has('token', KEY, NOW)).toBe(true);
  });

  it('in the era: no entry counts', () => {
    const table = createSharedTable({ entries: ENTRIES });
    table.store('token', KEY, NOW + 300_000, table.era(), NOW);
    for (const header of [1, 2]) {
      wordsOf(table)[header]! ^= 1 << 30;
      expect(table.has('token', KEY, NOW)).toBe(false);
      wordsOf(table)[header]! ^= 1 << 30;
    }
    expect(table.has('token', KEY, NOW)).toBe(true);
  });
});

describe('two writers', () => {
  it('at one place: the slower one gives up and leaves the other whole', () => {
    const table = createSharedTable({ entries: ENTRIES });
    const writes = traceWrites(table, () => table.store('token-1', KEY, NOW + 300_000, table.era(), NOW));
    const words = wordsOf(table);
    const slot = writes[0]!.index;
    let claims = 0;
    const { compareExchange } = Atomics;
    Atomics.compareExchange = ((array: Int32Array, index: number, old: number, value: number) => {
      claims += 1;
      apply(words, writes);
      return compareExchange(array, index, old, value);
    }) as typeof Atomics.compareExchange;
    try {
      table.store('token-1', KEY, NOW + 600_000, table.era(), NOW);
    } finally {
      Atomics.compareExchange = compareExchange;
    }
    expect([claims, table.stats().lostRaces, words[slot]]).toEqual([1, 1, 2]);
    expect([table.has('token-1', KEY, NOW), table.has('token-1', KEY, NOW + 300_000)]).toEqual([true, false]);
  });
});
