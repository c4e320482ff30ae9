import { describe, expect, it } from 'vitest';
import { amortizedMicros } from '../src/index.ts';

const measured = { onFirstUse: 600, observed: 33, observedRequestsPerToken: 190, requestsPerToken: 15 };

describe('amortizedMicros refuses', () => {
  it.each([
    ['an observation without further uses', { observedRequestsPerToken: 1 }, 'observedRequestsPerToken'],
    ['a token that is never used', { requestsPerToken: 0 }, 'requestsPerToken'],
    ['a number of requests that is none', { requestsPerToken: Number.NaN }, 'requestsPerToken'],
  ])('%s', (_, changes, place) => {
    expect(() => amortizedMicros({ ...measured, ...changes })).toThrow(place);
  });
});

describe('amortizedMicros', () => {
  it('gives back what was measured for the traffic that was measured', () => {
    expect(amortizedMicros({ ...measured, requestsPerToken: 190 })).toBeCloseTo(33);
    expect(amortizedMicros({ ...measured, requestsPerToken: 1 })).toBeCloseTo(600);
  });

  it('shares the first use between the requests of a token', () => {
    // 190 requests at 33 us are one at 600 us and 189 at 30 us.
    expect(amortizedMicros(measured)).toBeCloseTo((600 + 14 * 30) / 15);
  });

  it('never makes further uses cheaper than nothing', () => {
    expect(amortizedMicros({ ...measured, observed: 1, observedRequestsPerToken: 2 })).toBeCloseTo(600 / 15);
  });
});
