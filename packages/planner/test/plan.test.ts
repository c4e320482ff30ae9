import { describe, expect, it } from 'vitest';
import { DEFAULT_SCENARIO, plan } from '../src/index.ts';

describe('plan', () => {
  it('has the four sizes, with and without remedies', () => {
    const { rows } = plan(DEFAULT_SCENARIO);
    expect(rows.map(({ users, requestsPerSecond }) => [users, requestsPerSecond])).toEqual([
      [100, 50],
      [10_000, 5_000],
      [1_000_000, 500_000],
      [100_000_000, 50_000_000],
    ]);
    for (const { without, with: remedied } of rows.slice(0, 3)) {
      expect(remedied.perLink.megabytesPerSecond).toBeLessThan(without.perLink.megabytesPerSecond);
    }
  });

  it('is the same for the same input', () => {
    expect(plan(DEFAULT_SCENARIO)).toEqual(plan(DEFAULT_SCENARIO));
  });
});
