/** Looks at shared tables from below: which words a store writes, in which order, and what other moments would have seen. */
import { vi } from 'vitest';
import type { SharedTable } from '../../src/cache/shared-table.ts';

/** One write of one word. */
export interface Write {
  readonly index: number;
  readonly value: number;
}

/** The words of a table. */
export const wordsOf = (table: SharedTable): Int32Array<SharedArrayBuffer> =>
  new Int32Array(table.handle.buffer as SharedArrayBuffer);

/** What `work` writes with atomic operations, in order, claims included. The memory is put back as it was. */
export function traceWrites(table: SharedTable, work: () => void): Write[] {
  const words = wordsOf(table);
  const before = words.slice();
  const writes: Write[] = [];
  const { store, compareExchange } = Atomics;
  const spies = [
    vi.spyOn(Atomics, 'store').mockImplementation(((array: Int32Array, index: number, value: number) => {
      writes.push({ index, value });
      return store(array, index, value);
    }) as typeof Atomics.store),
    vi.spyOn(Atomics, 'compareExchange').mockImplementation(((array: Int32Array, index: number, old: number, value: number) => {
      const found = compareExchange(array, index, old, value);
      if (found === old) writes.push({ index, value });
      return found;
    }) as typeof Atomics.compareExchange),
  ];
  try {
    work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  words.set(before);
  return writes;
}

/** Runs `work`, and before its atomic load number n (from 0) calls `between(n)`: another thread, at the worst moment. */
export function betweenLoads<Result>(work: () => Result, between: (load: number) => void): { result: Result; loads: number } {
  const { load } = Atomics;
  let loads = 0;
  const spy = vi.spyOn(Atomics, 'load').mockImplementation(((array: Int32Array, index: number) => {
    between(loads);
    loads += 1;
    return load(array, index);
  }) as typeof Atomics.load);
  try {
    return { result: work(), loads };
  } finally {
    spy.mockRestore();
  }
}

/** Does writes. */
export function apply(words: Int32Array, writes: readonly Write[]): void {
  for (const { index, value } of writes) words[index] = value;
}
