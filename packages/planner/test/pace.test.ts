import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  type RareStep,
  RARE_STEPS,
  DEFAULT_SCENARIO,
  REFERENCE_CALIBRATION,
  ShapeError,
  atPace,
  parseCalibration,
  plan,
} from '../src/index.ts';

const extraMicros = Object.fromEntries(RARE_STEPS.map((step, index) => [step, 10 * (index + 1)])) as Record<RareStep, number>;
const { rarely: _rarely, ...busy } = REFERENCE_CALIBRATION;
const calibration: Calibration = { ...busy, rarely: { requestsPerSecond: 10, busyRequestsPerSecond: 1000, extraMicros } };

describe('a rarely asked process', () => {
  it('takes what was measured at the low rate, and below it', () => {
    const rare = atPace(calibration, 10);
    expect(rare.algorithms.ES256.verifyMicros).toBe(busy.algorithms.ES256.verifyMicros + extraMicros.verify);
    expect(rare.algorithms.RS256.signMicros).toBe(busy.algorithms.RS256.signMicros + extraMicros.sign);
    expect(rare.algorithms.RS256.mintMicros).toBe(busy.algorithms.RS256.mintMicros + extraMicros.mint);
    expect(rare.hits[0]!.micros).toBe(busy.hits[0]!.micros + extraMicros.hit);
    expect(rare.storeMicros).toBe(busy.storeMicros + extraMicros.store);
    expect(rare.sharedHitMicros).toBe(busy.sharedHitMicros + extraMicros.sharedHit);
    expect(rare.reuseMicros).toBe(busy.reuseMicros + extraMicros.reuse);
    expect(rare.proxyMicros).toBe(busy.proxyMicros + extraMicros.proxy);
    expect(rare.protocols.http1.requestMicros).toBe(busy.protocols.http1.requestMicros + extraMicros.request);
    expect(atPace(calibration, 1)).toEqual(rare);
  });

  it('takes half of the addition halfway, on the logarithm of the rate, and none when it is busy', () => {
    expect(atPace(calibration, 100).storeMicros).toBeCloseTo(busy.storeMicros + extraMicros.store / 2);
    expect(atPace(calibration, 1000)).toEqual(busy);
    expect(atPace(calibration, 1e6)).toEqual(busy);
  });

  it('takes nothing more where nothing was measured, and additions are made once', () => {
    expect(atPace(busy, 1)).toEqual(busy);
    expect(atPace(atPace(calibration, 10), 10)).toEqual(atPace(calibration, 10));
  });
});

describe('a plan', () => {
  it('takes each process as busy as it is: what it costs to know a caller falls as the rate rises', () => {
    const microsAt = (users: number, costs: Calibration): number => {
      const { now } = plan(
        { ...DEFAULT_SCENARIO, users, remedies: { ...DEFAULT_SCENARIO.remedies, caching: false, scaling: false } },
        costs,
      );
      return (now.with.verificationCores.value * 1e6) / now.requestsPerSecond;
    };
    // Without a cache each of the four services verifies, and the gateway verifies and mints.
    const extra = 5 * extraMicros.verify + extraMicros.mint;
    const [rare, half, many] = [20, 400, 1e6].map((users) => microsAt(users, calibration) - microsAt(users, busy));
    expect(rare).toBeCloseTo(extra);
    // 200 requests per second on two threads: halfway, on the logarithm.
    expect(half).toBeCloseTo(extra / 2);
    expect(many).toBeCloseTo(0);
  });
});

describe('a file with additions', () => {
  const refusalsOf = (rarely: unknown): string => {
    try {
      parseCalibration(JSON.parse(JSON.stringify({ ...busy, rarely })));
    } catch (error) {
      if (error instanceof ShapeError) return error.message;
      throw error;
    }
    return '';
  };

  it.each([
    [
      'a high rate that is not higher',
      { ...calibration.rarely, busyRequestsPerSecond: 10 },
      'rarely.busyRequestsPerSecond: must be above 10',
    ],
    [
      'a step without a figure',
      { ...calibration.rarely, extraMicros: { ...extraMicros, hit: undefined } },
      'rarely.extraMicros.hit: is required',
    ],
    [
      'a negative addition',
      { ...calibration.rarely, extraMicros: { ...extraMicros, hit: -1 } },
      'rarely.extraMicros.hit: must be at least 0',
    ],
    [
      'an unknown step',
      { ...calibration.rarely, extraMicros: { ...extraMicros, jump: 1 } },
      'rarely.extraMicros.jump: is not a setting',
    ],
    ['nothing', null, 'rarely.requestsPerSecond: is required'],
    ['a list', [], 'rarely: must be a map of settings'],
  ])('is refused for %s', (_, rarely, reason) => {
    expect(refusalsOf(rarely)).toContain(reason);
  });

  it('survives JSON', () => {
    expect(parseCalibration(JSON.parse(JSON.stringify(calibration)))).toEqual(calibration);
  });
});
