import { describe, expect, it } from 'vitest';
import { median, quantile } from '../../src/measure/statistics.ts';

describe('quantile', () => {
  it('is not a number without values', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('is the value below which the share lies, whatever their order', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((q) => quantile(values, q))).toEqual([1, 50, 99, 100]);
  });
});

describe('median', () => {
  it('is not a number without values', () => {
    expect(median([])).toBeNaN();
  });

  it('is the middle one, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
  });
});
