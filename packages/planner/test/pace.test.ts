import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  type RareCosts,
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
/** Twice as much at 10 per second as at 100; nothing at 1,000. */
const rarely = Object.fromEntries(
  RARE_STEPS.map((step) => [
    step,
    [
      { perSecond: 10, extraMicros: extraMicros[step] },
      { perSecond: 100, extraMicros: extraMicros[step] / 2 },
      { perSecond: 1000, extraMicros: 0 },
    ],
  ]),
) as unknown as RareCosts;
const { rarely: _rarely, ...busy } = REFERENCE_CALIBRATION;
const calibration: Calibration = { ...busy, rarely };

describe('a step that is taken rarely', () => {
  it('takes what was measured at the low rate, and below it', () => {
    const rare = atPace(calibration, 10);
    expect(rare.algorithms.ES256.verifyMicros).toBe(busy.algorithms.ES256.verifyMicros + extraMicros.verify);
    expect(rare.algorithms.RS256.signMicros).toBe(busy.algorithms.RS256.signMicros + extraMicros.sign);
    expect(rare.algorithms.RS256.mintMicros).toBe(busy.algorithms.RS256.mintMicros + extraMicros.mint);
    expect(rare.hits[0]!.micros).toBe(busy.hits[0]!.micros + extraMicros.hit);
    expect(rare.storeMicros).toBe(busy.storeMicros);
    expect(rare.sharedHitMicros).toBe(busy.sharedHitMicros + extraMicros.sharedHit);
    expect(rare.reuseMicros).toBe(busy.reuseMicros + extraMicros.reuse);
    expect(rare.proxyMicros).toBe(busy.proxyMicros + extraMicros.proxy);
    expect(rare.protocols.http1.requestMicros).toBe(busy.protocols.http1.requestMicros + extraMicros.request);
    expect(atPace(calibration, 1)).toEqual(rare);
    expect(atPace(calibration, 0)).toEqual(rare);
  });

  it('takes what lies between two points, on the logarithm of the rate, and no more when it is taken often', () => {
    const hitAt = (rate: number): number => atPace(calibration, rate).hits[0]!.micros - busy.hits[0]!.micros;
    expect(hitAt(100)).toBeCloseTo(extraMicros.hit / 2);
    expect(hitAt(10 * Math.sqrt(10))).toBeCloseTo(extraMicros.hit * 0.75);
    expect(hitAt(100 * Math.sqrt(10))).toBeCloseTo(extraMicros.hit * 0.25);
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

  it('takes a first use as rare as first uses are, however busy the process is', () => {
    const rareFirstUses = (step: 'verify' | 'hit'): number => {
      const nothing = Object.fromEntries(RARE_STEPS.map((name) => [name, [{ perSecond: 1000, extraMicros: 0 }]]));
      const only = { ...nothing, [step]: rarely[step] } as unknown as RareCosts;
      // One thread each, one group of users: 2,000 requests per second, of which one in a hundred or so is a first use.
      const scenario = {
        ...DEFAULT_SCENARIO,
        users: 100,
        requestsPerUserPerSecond: 20,
        zipf: 0,
        gateway: { instances: 1, threads: 1 },
        cache: { ...DEFAULT_SCENARIO.cache, shared: false },
        services: DEFAULT_SCENARIO.services.map((service) => ({ ...service, threads: 1 })),
        txnToken: { ...DEFAULT_SCENARIO.txnToken, reuseSeconds: 10 },
        remedies: { ...DEFAULT_SCENARIO.remedies, scaling: false, async: false },
      };
      const cores = (costs: Calibration): number => plan(scenario, costs).now.with.verificationCores.value;
      return cores({ ...busy, rarely: only }) - cores(busy);
    };
    // Some 10 first uses per second in each of the four services take the whole addition.
    expect(rareFirstUses('verify') * 1e6).toBeGreaterThan(4 * 9 * extraMicros.verify);
    expect(rareFirstUses('verify') * 1e6).toBeLessThan(4 * 11 * extraMicros.verify);
    expect(rareFirstUses('hit')).toBe(0);
  });
});

describe('a file with additions', () => {
  const refusalsOf = (changed: unknown): string => {
    try {
      parseCalibration(JSON.parse(JSON.stringify({ ...busy, rarely: changed })));
    } catch (error) {
      if (error instanceof ShapeError) return error.message;
      throw error;
    }
    return '';
  };
  const point = (perSecond: unknown, more: unknown): unknown => ({ perSecond, extraMicros: more });

  it.each([
    [
      'rates that do not rise',
      { ...rarely, hit: [point(10, 1), point(10, 0)] },
      'rarely.hit.1.perSecond: must be more than that of the one before',
    ],
    ['a rate of nothing', { ...rarely, mint: [point(0, 1)] }, 'rarely.mint.0.perSecond: must be above 0'],
    ['a step without points', { ...rarely, hit: [] }, 'rarely.hit: must be a list with at least one element'],
    ['a step that is missing', { ...rarely, hit: undefined }, 'rarely.hit: '],
    ['a negative addition', { ...rarely, hit: [point(10, -1)] }, 'rarely.hit.0.extraMicros: must be at least 0'],
    ['an unknown step', { ...rarely, jump: [point(10, 1)] }, 'rarely.jump: is not a setting'],
    ['nothing', null, 'rarely.hit: '],
    ['a list', [], 'rarely: must be a map of settings'],
  ])('is refused for %s', (_, changed, reason) => {
    expect(refusalsOf(changed)).toContain(reason);
  });

  it('survives JSON', () => {
    const spread = { hit: 0.04, firstUse: 0.02, rareHit: 0.05, rareFirstUse: 0.03 };
    const whole = { ...calibration, machine: { ...calibration.machine, spread } };
    expect(parseCalibration(JSON.parse(JSON.stringify(whole)))).toEqual(whole);
  });
});
