/** The verdict table against a list, with digests chosen to collide. */
import { describe, expect, it } from 'vitest';
import { BRIEF_WORDS, DIGEST_WORDS, type TokenDigest, homeOf } from '../../src/cache/token-digest.ts';
import { VerdictTable } from '../../src/cache/verdict-table.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { TableModel } from '../support/table-model.ts';
import { wordFor } from '../support/word-for.ts';

/** A digest that the test decides. */
interface ChosenDigest extends TokenDigest {
  choose(words: readonly number[]): void;
}

function chosenDigest(): ChosenDigest {
  const brief = new Int32Array(BRIEF_WORDS);
  return {
    words: new Int32Array(DIGEST_WORDS),
    brief,
    update: () => true,
    begin: () => true,
    finish: () => {},
    choose: (chosen) => brief.set(chosen),
  };
}

/** Four words that only a complete comparison tells apart. The first one alone decides the place. */
function wordsOf(slot: number, differsAt = 3, value = 0): number[] {
  const words = [wordFor(slot), 0, 0, 0];
  words[differsAt] = (words[differsAt] ?? 0) + value;
  return words;
}

it('the first word decides where a digest is looked for', () => {
  for (const home of [0, 1, 15, 2047, -1, 2 ** 31 - 1, -(2 ** 31)]) expect(homeOf(Int32Array.from(wordsOf(home)), 0)).toBe(home);
});

describe('a wrong yes', () => {
  it('D1: digests that differ in one word, or in the length alone, are different tokens', () => {
    const digest = chosenDigest();
    const table = new VerdictTable<string>(100, digest);
    digest.choose(wordsOf(5));
    table.set(40, 'first');
    for (let word = 0; word < BRIEF_WORDS; word += 1) {
      for (const value of [1, -1, 1 << 31, 1 << 11]) {
        digest.choose(wordsOf(5, word, value));
        expect(table.get(40), `word ${word}`).toBeUndefined();
      }
    }
    digest.choose(wordsOf(5));
    expect(table.get(41)).toBeUndefined();
    expect(table.get(40)).toBe('first');
  });

  it('a removed or evicted verdict is gone, also for those that probed past it', () => {
    const digest = chosenDigest();
    const table = new VerdictTable<number>(3, digest);
    for (let value = 0; value < 3; value += 1) {
      digest.choose(wordsOf(2047, 3, value));
      table.set(10, value);
    }
    digest.choose(wordsOf(2047, 3, 0));
    table.delete(10);
    expect(table.get(10)).toBeUndefined();
    for (const value of [1, 2]) {
      digest.choose(wordsOf(2047, 3, value));
      expect(table.get(10)).toBe(value);
    }
  });
});

describe('SIEVE', () => {
  const digest = chosenDigest();
  const use = (table: VerdictTable<number>, value: number): number | undefined => {
    digest.choose(wordsOf(value));
    return table.get(10);
  };
  const add = (table: VerdictTable<number>, value: number): void => {
    digest.choose(wordsOf(value));
    table.set(10, value);
  };

  it('spares what was used since the hand passed, and takes the oldest other one', () => {
    const table = new VerdictTable<number>(3, digest);
    for (const value of [1, 2, 3]) add(table, value);
    use(table, 1);
    add(table, 4);
    expect([1, 2, 3, 4].map((value) => use(table, value))).toEqual([1, undefined, 3, 4]);
    expect(table.evictions).toBe(1);
  });

  it('a scan of one-time tokens leaves the ones in use', () => {
    const table = new VerdictTable<number>(100, digest);
    for (let value = 0; value < 50; value += 1) add(table, value);
    for (let value = 1000; value < 6000; value += 1) {
      add(table, value);
      if (value % 10 === 0) for (let used = 0; used < 50; used += 1) expect(use(table, used)).toBe(used);
    }
    expect(table.size).toBe(100);
  });

  it('a table of one entry holds the latest', () => {
    const table = new VerdictTable<number>(1, digest);
    for (let value = 0; value < 10; value += 1) {
      add(table, value);
      expect(use(table, value)).toBe(value);
      expect(use(table, value - 1)).toBeUndefined();
      expect(table.size).toBe(1);
    }
    table.clear();
    expect([table.size, use(table, 9)]).toEqual([0, undefined]);
  });
});

function expectNew(observed: Set<number>, node: number, capacity: number): void {
  if (observed.has(node) || node >= capacity) expect.fail(`number ${node} of ${capacity}`);
  observed.add(node);
}

/** Places around the end of the first table (2048 words), so that probing wraps around, and enough others. */
const crowded = (random: SeededRandom): number => (random.chance(0.7) ? 2040 + random.int(12) : random.int(4) * 2048 - 3);
const spread = (random: SeededRandom): number => random.int(2 ** 31);

describe('model', () => {
  it.each([
    { what: 'one entry', maxEntries: 1, tokens: 3, slotOf: crowded },
    { what: 'two entries', maxEntries: 2, tokens: 5, slotOf: crowded },
    { what: 'seven entries, one run', maxEntries: 7, tokens: 16, slotOf: crowded },
    { what: 'sixty entries, wrapping around', maxEntries: 60, tokens: 100, slotOf: crowded },
    { what: 'everything in one place', maxEntries: 30, tokens: 60, slotOf: () => 2047 },
    { what: 'spread out', maxEntries: 200, tokens: 400, slotOf: spread },
  ])('$what', ({ maxEntries, tokens, slotOf }) => {
    const random = new SeededRandom(freshSeed());
    const place = `seed ${random.seed}`;
    const digest = chosenDigest();
    const table = new VerdictTable<number>(maxEntries, digest);
    const model = new TableModel<number>(maxEntries);
    const keys = Array.from({ length: tokens }, (_, value) => ({
      words: wordsOf(slotOf(random), 3, value >> 1),
      length: 10 + (value & 1),
    }));
    for (let step = amount(20_000, 1_000_000); step > 0; step -= 1) {
      const { words, length } = random.pick(keys);
      const key = `${words.join()}/${length}`;
      digest.choose(words);
      const roll = random.next();
      if (roll < 0.25) expect(table.get(length), place).toBe(model.get(key));
      else if (roll < 0.5) expect(table.get(length, table.begin()), place).toBe(model.get(key));
      else if (roll < 0.85) {
        table.set(length, step);
        model.set(key, step);
      } else if (roll < 0.9995) {
        table.delete(length);
        model.delete(key);
      } else {
        table.clear();
        model.clear();
      }
      if (table.size !== model.size || table.evictions !== model.evictions)
        expect([table.size, table.evictions], place).toEqual([model.size, model.evictions]);
    }
    for (const { words, length } of keys) {
      digest.choose(words);
      expect(table.get(length), place).toBe(model.get(`${words.join()}/${length}`));
    }
  });

  it('grows from 1024 entries on, and keeps everything', () => {
    const digest = chosenDigest();
    const table = new VerdictTable<number>(10_000, digest);
    const add = (value: number): void => {
      digest.choose(wordsOf(Math.imul(value, 0x9e3779b1), 2, value));
      table.set(10, value);
    };
    for (let value = 0; value < 12_000; value += 1) {
      add(value);
      if (![1023, 1024, 1025, 2048, 2049, 8193, 9999].includes(value)) continue;
      for (let known = 0; known <= value; known += 1) {
        digest.choose(wordsOf(Math.imul(known, 0x9e3779b1), 2, known));
        expect(table.get(10)).toBe(known);
      }
    }
    expect([table.size, table.evictions]).toEqual([10_000, 2000]);
  });

  it('many segments, each of which grows on its own: keeps everything, and moves few at a time', () => {
    const digest = chosenDigest();
    const [count, observed] = [100_000, new Set<number>()];
    let capacity = 0;
    const table = new VerdictTable<number>(count, digest, {
      added: (node) => expectNew(observed, node, capacity),
      removed: (node) => observed.delete(node),
      grown: (length) => (capacity = length),
    });
    const choose = (value: number): void => digest.choose(wordsOf(Math.imul(value, 0x9e3779b1), 2, value));
    for (let value = 0; value < count + 20_000; value += 1) {
      choose(value);
      table.set(10, value);
      if (value % 3 === 0) table.note(10, Int32Array.of(-1, -value, value & 0xffff));
    }
    expect([table.size, table.evictions, observed.size]).toEqual([count, 20_000, count]);
    for (let value = 20_000; value < count + 20_000; value += 1) {
      choose(value);
      if (table.get(10) !== value) expect.fail(`${value} is lost`);
      const expected = value % 3 === 0 ? [-1, -value, value & 0xffff] : [0, 0, 0];
      if (table.notes.some((note, index) => note !== expected[index])) expect.fail(`notes of ${value} are another one's`);
      if (value % 2 === 0) table.delete(10);
    }
    for (const node of observed) expect(table.at(node) % 2).toBe(1);
    table.clear();
    expect([table.size, observed.size]).toEqual([0, 0]);
  });

  it('growth in the middle of a run that wraps around', () => {
    const digest = chosenDigest();
    const table = new VerdictTable<number>(5000, digest);
    for (let value = 0; value < 1600; value += 1) {
      digest.choose(wordsOf(2040 + (value % 8) + 2048 * (value % 32), 2, value));
      table.set(10, value);
    }
    for (let value = 0; value < 1600; value += 1) {
      digest.choose(wordsOf(2040 + (value % 8) + 2048 * (value % 32), 2, value));
      expect(table.get(10)).toBe(value);
      if (value % 3 === 0) table.delete(10);
    }
    for (let value = 0; value < 1600; value += 1) {
      digest.choose(wordsOf(2040 + (value % 8) + 2048 * (value % 32), 2, value));
      expect(table.get(10)).toBe(value % 3 === 0 ? undefined : value);
    }
    expect(table.size).toBe(1066);
  });
});
