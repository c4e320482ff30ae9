import { describe, expect, it } from 'vitest';
import { createCallers } from '../../src/measure/callers.ts';

describe('callers', () => {
  it('come in turn', () => {
    const callerOf = createCallers({ users: 3 });
    expect([0, 1, 2, 3, 4].map((number) => callerOf(number, 0))).toEqual([0, 1, 2, 0, 1]);
  });

  it('are as unequal as was asked for', () => {
    const callerOf = createCallers({ users: 2, zipf: 2 });
    const first = Array.from({ length: 5000 }, (_, number) => callerOf(number, 0)).filter((user) => user === 0).length;
    // 4 of 5, and 9 standard deviations either way.
    expect(Math.abs(first - 4000)).toBeLessThan(260);
  });

  it('join one after the other, evenly, until all are there', () => {
    const callerOf = createCallers({ users: 200, zipf: 0, joinMs: 1000 });
    const seenBy = (elapsedMs: number): number =>
      new Set(Array.from({ length: 5000 }, (_, number) => callerOf(number, elapsedMs))).size;
    expect(seenBy(0)).toBe(1);
    // Half of them, and 7 standard deviations either way.
    expect(Math.abs(seenBy(500) - 100)).toBeLessThan(50);
    expect(seenBy(1000)).toBe(200);
  });
});
