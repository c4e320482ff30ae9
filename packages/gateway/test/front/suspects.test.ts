import { expect, test } from 'vitest';
import { Suspects } from '../../src/front/suspects.ts';

test('F2: an address stays on the list for a minute after it was last asked for calm', () => {
  const suspects = new Suspects();
  expect(suspects.has('192.0.2.1', 0)).toBe(false);
  suspects.add('192.0.2.1', 0);
  suspects.add('192.0.2.1', 30_000);
  expect(suspects.has('192.0.2.1', 89_999)).toBe(true);
  expect(suspects.has('192.0.2.2', 30_000)).toBe(false);
  expect(suspects.has('192.0.2.1', 90_000)).toBe(false);
});

test('F2: with many addresses the oldest goes, and the list does not grow', () => {
  const suspects = new Suspects();
  for (let index = 0; index < 10_000; index += 1) suspects.add(`a${index}`, index);
  suspects.add('a0', 10_000);
  suspects.add('one more', 10_001);
  expect(suspects.has('a0', 10_001)).toBe(true);
  expect(suspects.has('a1', 10_001)).toBe(false);
  expect(suspects.has('a2', 10_001)).toBe(true);
  expect(suspects.has('one more', 10_001)).toBe(true);
});
