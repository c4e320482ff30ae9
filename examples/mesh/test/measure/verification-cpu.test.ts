import { describe, expect, it } from 'vitest';
import { verificationMicros } from '../../src/measure/verification-cpu.ts';

const round = (authentication: number, whole: number): Map<string, { authentication: number; whole: number }> =>
  new Map([['orders', { authentication, whole }]]);

describe('verificationMicros', () => {
  it('refuses to tell what jose costs without the services to compare with', () => {
    expect(() => verificationMicros('verify-everywhere', round(0, 500), undefined)).toThrow(
      'orders with a cache was not measured',
    );
  });

  it('is what the meter saw, where verification runs in one go', () => {
    expect(verificationMicros('verify-once', round(3, 200), undefined)).toEqual(new Map([['orders', 3]]));
  });

  it('is what services with jose spend more than those with a cache, and what the cache costs those', () => {
    expect(verificationMicros('verify-everywhere', round(0, 350), round(2, 200))).toEqual(new Map([['orders', 152]]));
  });
});
