import { expect, test, vi } from 'vitest';
import { Round } from '../../src/front/round.ts';

test('F10: few are let go of in one turn, all of them in the end, and nobody is looked at twice', async () => {
  const late = new Set(Array.from({ length: 100 }, (_, index) => index));
  const looked: number[] = [];
  const round = new Round(
    () => late.values(),
    (index) => {
      looked.push(index);
      // Every other one.
      return index % 2;
    },
  );
  round.begin();
  expect(looked).toHaveLength(64);
  // The next one is not begun before this one has ended; who has left meanwhile is not looked at.
  round.begin();
  late.delete(70);
  await vi.waitUntil(() => looked.length === 99);
  expect(new Set(looked).size).toBe(99);
  round.begin();
  expect(looked).toHaveLength(99 + 64);
});

test('where nothing is to be let go of all are looked at in one turn', () => {
  const looked: number[] = [];
  const round = new Round(
    () => Array.from({ length: 1000 }, (_, index) => index).values(),
    (index) => {
      looked.push(index);
      return 0;
    },
  );
  round.begin();
  round.begin();
  expect(looked).toHaveLength(2000);
});
