/** A list of integers in chunks against an array. */
import { expect, it } from 'vitest';
import { IntList } from '../../src/cache/int-list.ts';

it.each([0, -1, -2])('keeps what was set and shows %i elsewhere, however it grows', (fill) => {
  const list = new IntList(fill);
  const model: number[] = [];
  for (const length of [1, 2, 3, 700, 701, 65_535, 65_536, 65_537, 200_000, 200_001]) {
    list.grow(length);
    expect(list.length).toBeGreaterThanOrEqual(length);
    while (model.length < list.length) model.push(fill);
    for (const index of [0, length >> 1, length - 1]) {
      list.set(index, length ^ index);
      model[index] = length ^ index;
    }
    expect(model.findIndex((value, index) => list.get(index) !== value)).toBe(-1);
  }
});

it('a short list takes little, and asking for less than there is changes nothing', () => {
  const list = new IntList();
  list.grow(500);
  expect(list.length).toBe(500);
  list.grow(10);
  expect(list.length).toBe(500);
  list.grow(501);
  expect(list.length).toBe(1000);
});
