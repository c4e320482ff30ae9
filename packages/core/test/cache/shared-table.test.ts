/** The table that threads share, seen by one thread. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type SharedTable, createSharedTable, openSharedTable } from '../../src/cache/shared-table.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { outcome } from '../support/verdicts.ts';

const NOW = 1_800_000_000_000;
const KEY = 'k'.repeat(43);
const OTHER_KEY = 'l'.repeat(43);
const token = `header.${'payload'.repeat(100)}.signature`;
const tokenOf = (index: number): string => `token-${String(index).padStart(8, '0')}`;

const tableOf = (entries = 64): SharedTable => createSharedTable({ entries });
const add = (table: SharedTable, text: string, seconds = 300): void =>
  table.store(text, KEY, NOW + seconds * 1000, table.era(), NOW);

describe('options', () => {
  it.each([NaN, Infinity, -1, 0, 15, '64', null, undefined, 2 ** 24 + 1])('B2: entries %s is refused', (entries) => {
    expect(outcome(() => createSharedTable({ entries: entries as number }))).toBe('config_invalid');
  });

  it.each([{ entries: 64, keyBuilder: () => '' }, undefined, null, [], 64])('D3: unknown options (%#) are refused', (options) => {
    expect(outcome(() => createSharedTable(options as never))).toBe('config_invalid');
  });

  it.each([0, 16, 16_447, 16_449])('a key of %i bytes is refused', (size) => {
    expect(outcome(() => createSharedTable({ entries: 64, randomBytes: () => new Uint8Array(size) }))).toBe('config_invalid');
  });

  it('what is no handle is not opened', () => {
    const { buffer, key } = tableOf().handle;
    const strange = new SharedArrayBuffer(buffer.byteLength);
    const handles = [
      undefined,
      {},
      { buffer },
      { key },
      { buffer: new ArrayBuffer(buffer.byteLength), key },
      { buffer: strange, key },
      { buffer: new SharedArrayBuffer(64), key },
      { buffer: new SharedArrayBuffer(buffer.byteLength + 4), key },
      { buffer, key: key.subarray(1) },
      { buffer, key, more: 1 },
    ];
    for (const handle of handles) expect(outcome(() => openSharedTable(handle as never))).toBe('config_invalid');
    expect(openSharedTable({ buffer, key }).capacity).toBe(64);
  });
});

describe('a wrong yes', () => {
  it('D1: a token that differs in one character, at any position, shares no proof', () => {
    const table = tableOf();
    add(table, token);
    for (let at = 0; at < token.length; at += 1)
      for (const code of [token.charCodeAt(at) ^ 1, token.charCodeAt(at) + 0x100, 0xd800, 0]) {
        expect(table.has(token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1), KEY, NOW)).toBe(false);
        expect(table.has(token.slice(0, at), KEY, NOW)).toBe(false);
      }
    expect(table.has(`${token}\0`, KEY, NOW)).toBe(false);
    // What pads the digest's input is told apart by the length.
    expect(table.has(token, `${KEY}\0`, NOW)).toBe(false);
    expect(table.has(token, KEY, NOW)).toBe(true);
  });

  it('the same token under another key is another question', () => {
    const table = tableOf();
    add(table, token);
    expect(table.has(token, OTHER_KEY, NOW)).toBe(false);
    expect(table.has(token, '', NOW)).toBe(false);
    // Key ids are all of one length, so nothing can move from one side to the other.
    expect(table.has(token + KEY[0]!, KEY.slice(1), NOW)).toBe(true);
  });

  it('D4: never at or after its expiry, and never by a broken clock', () => {
    const table = tableOf();
    table.store(token, KEY, NOW + 1999, table.era(), NOW);
    expect([NOW, NOW + 999, NOW + 1000, NOW + 1999, NaN, Infinity].map((nowMs) => table.has(token, KEY, nowMs))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it.each([NOW, NOW - 1, NOW + 999, NaN, -Infinity, 0])('what has expired (%s) is not stored', (expiresAtMs) => {
    const table = tableOf();
    table.store(token, KEY, expiresAtMs, table.era(), NOW);
    expect(table.stats().stored).toBe(0);
  });

  it('an expiry beyond 32 bits is cut, not wrapped', () => {
    const table = tableOf();
    table.store(token, KEY, 1e15, table.era(), NOW);
    expect([table.has(token, KEY, NOW), table.has(token, KEY, (2 ** 32 - 1) * 1000)]).toEqual([true, false]);
  });

  it('D7: a removed key voids everything, also what is stored after it from before', () => {
    for (const bump of ['bumpKeys', 'bumpRevocations'] as const) {
      const table = tableOf();
      const other = openSharedTable(table.handle);
      const early = table.era();
      add(table, token);
      expect(other.has(token, KEY, NOW)).toBe(true);
      other[bump]();
      expect(table.has(token, KEY, NOW)).toBe(false);
      table.store(token, KEY, NOW + 300_000, early, NOW);
      expect([table.has(token, KEY, NOW), table.stats().stored]).toEqual([false, 1]);
      add(table, token);
      expect(other.has(token, KEY, NOW)).toBe(true);
    }
  });

  it('D9: another process, another key: nothing of one table means anything in another', () => {
    const [one, two] = [tableOf(), tableOf()];
    add(one, token);
    new Int32Array(two.handle.buffer).set(new Int32Array(one.handle.buffer));
    expect(two.has(token, KEY, NOW)).toBe(false);
    expect(openSharedTable({ buffer: one.handle.buffer, key: two.handle.key }).has(token, KEY, NOW)).toBe(false);
  });

  it('printing a table prints no key', () => {
    const table = createSharedTable({ entries: 64, randomBytes: (size) => new Uint8Array(size).fill(173) });
    for (const text of [inspect(table, { depth: 9, showHidden: true }), JSON.stringify(table)]) expect(text).not.toContain('173');
  });
});

describe('what is remembered', () => {
  it('a token of one thread answers in another, through a structured clone of the handle', () => {
    const table = tableOf();
    const other = openSharedTable(structuredClone(table.handle));
    add(table, token);
    expect([other.has(token, KEY, NOW), other.has('another', KEY, NOW)]).toEqual([true, false]);
    expect([other.stats(), table.stats()]).toEqual([
      { hits: 1, misses: 1, stored: 0, evicted: 0, lostRaces: 0 },
      { hits: 0, misses: 0, stored: 1, evicted: 0, lostRaces: 0 },
    ]);
  });

  it.each([16, 17, 64, 1000, 100_000])('%i entries: at most 64 bytes for each, the whole buffer counted', (entries) => {
    const table = tableOf(entries);
    expect(table.capacity).toBe(Math.ceil(entries / 4) * 4);
    expect(table.handle.buffer.byteLength / table.capacity).toBeLessThanOrEqual(64);
  });

  it('half full it keeps nearly everything, full over nine tenths of the youngest', () => {
    const table = tableOf(10_000);
    const kept = (from: number, to: number): number => {
      let count = 0;
      for (let index = from; index < to; index += 1) if (table.has(tokenOf(index), KEY, NOW)) count += 1;
      return count / (to - from);
    };
    for (let index = 0; index < 5000; index += 1) add(table, tokenOf(index));
    expect(kept(0, 5000)).toBeGreaterThan(0.998);
    for (let index = 5000; index < 50_000; index += 1) add(table, tokenOf(index));
    // First in, first out: the youngest half is there, the oldest is gone.
    expect([kept(45_000, 50_000) > 0.95, kept(0, 20_000) < 0.05]).toEqual([true, true]);
  });

  it('dead entries make place first: expired ones, and those of another era', () => {
    const table = tableOf(1000);
    for (let index = 0; index < 2000; index += 1) add(table, tokenOf(index), 5);
    const { evicted } = table.stats();
    for (let index = 2000; index < 2400; index += 1) table.store(tokenOf(index), KEY, NOW + 60_000, table.era(), NOW + 5000);
    expect(table.stats().evicted).toBe(evicted);
    table.bumpKeys();
    for (let index = 3000; index < 3400; index += 1) add(table, tokenOf(index));
    expect(table.stats()).toMatchObject({ evicted, stored: 2800 });
  });

  it('a token that is there already is written again only to live longer', () => {
    const table = tableOf();
    for (const seconds of [60, 60, 30, 61, 10]) add(table, token, seconds);
    expect([table.stats().stored, table.has(token, KEY, NOW + 60_500)]).toEqual([2, true]);
  });

  it('a token too long, or with other characters than ASCII, is not shared', () => {
    const table = tableOf();
    for (const text of ['x'.repeat(16_384 - 42), 'ä', '\ud800']) add(table, text);
    expect([table.stats().stored, table.has('ä', KEY, NOW)]).toEqual([0, false]);
    add(table, 'x'.repeat(16_384 - 43));
    expect(table.stats().stored).toBe(1);
  });

  it('the smallest table works, though both buckets of a token may be one', () => {
    const table = tableOf(16);
    const random = new SeededRandom(1);
    for (let step = 0; step < 5000; step += 1) {
      const index = random.int(100);
      add(table, tokenOf(index));
      expect(table.has(tokenOf(index), KEY, NOW)).toBe(true);
      expect(table.has(tokenOf(index + 100), KEY, NOW)).toBe(false);
    }
    expect(table.stats().lostRaces).toBe(0);
  });

  it('a bucket full of writers that never come back leaves the other one', () => {
    const table = tableOf(16);
    const words = new Int32Array(table.handle.buffer);
    for (let way = 0; way < 4; way += 1) words[16 + 14 * way] = 1;
    for (let index = 0; index < 400; index += 1) add(table, tokenOf(index));
    // Both buckets are that one for one token in sixteen.
    expect(table.stats().stored).toBeGreaterThan(320);
    expect(table.stats().lostRaces).toBe(400 - table.stats().stored);
  });
});
