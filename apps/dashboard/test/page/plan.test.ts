import { DEFAULT_SCENARIO, plan } from '@watchword/planner';
import { describe, expect, test } from 'vitest';
import { filledWith } from '../../page/src/plan/from-gateway.ts';
import { GROUPS, POSITIONS, positionOf, valueAt } from '../../page/src/plan/settings.ts';
import { groupedLimits } from '../../page/src/plan/words.ts';
import { sample } from '../support.ts';

const SETTINGS = GROUPS.flatMap(({ settings }) => settings);

describe.each(SETTINGS.map((setting) => [setting.label, setting] as const))('slider: %s', (_, setting) => {
  test('reaches both ends, only ever grows, and shows a unit or a number', () => {
    const values = Array.from({ length: POSITIONS + 1 }, (_, position) => valueAt(setting, position));
    expect([values[0], values.at(-1)]).toEqual([setting.min, setting.max]);
    expect(values).toEqual(values.toSorted((left, right) => left - right));
    for (const value of values) expect(setting.show(value)).not.toMatch(/NaN|undefined|^$/);
  });

  test('what is written is read, and stands where it was put', () => {
    for (const position of [0, 50, POSITIONS]) {
      const value = valueAt(setting, position);
      const scenario = setting.write(DEFAULT_SCENARIO, value);
      expect(Math.abs(setting.read(scenario) - value)).toBeLessThanOrEqual(0.5);
      expect(Math.abs(positionOf(setting, value) - position)).toBeLessThanOrEqual(1);
    }
  });

  test('a value beyond its ends stands at the end', () => {
    expect([positionOf(setting, setting.min / 2 - 1e-9), positionOf(setting, setting.max * 2)]).toEqual([0, POSITIONS]);
  });
});

test('a plan can be made with all sliders at either end', () => {
  for (const end of ['min', 'max'] as const) {
    const { now } = plan(SETTINGS.reduce((scenario, setting) => setting.write(scenario, setting[end]), DEFAULT_SCENARIO));
    expect(now.with.verificationCores.value, end).toBeGreaterThanOrEqual(0);
  }
});

describe('taking over from a gateway', () => {
  const view = { name: 'edge', origin: 'http://127.0.0.1:9090', problem: undefined, moments: [] };

  test('one that is away, or idle, changes nothing and is said so', () => {
    const none = { ...view, latest: undefined, earlier: undefined };
    expect(filledWith(DEFAULT_SCENARIO, none)).toEqual({ scenario: DEFAULT_SCENARIO, said: 'edge is away.' });
    const idle = { ...view, latest: sample(), earlier: sample() };
    expect(filledWith(DEFAULT_SCENARIO, idle).scenario).toBe(DEFAULT_SCENARIO);
    const gone = { ...idle, problem: 'ECONNREFUSED' };
    expect(filledWith(DEFAULT_SCENARIO, gone)).toEqual({ scenario: DEFAULT_SCENARIO, said: 'edge is away.' });
  });

  test('takes the rate and the cost of a verification', () => {
    const earlier = sample();
    const latest = { ...earlier, atMs: earlier.atMs + 10_000, requests: earlier.requests + 1_000 };
    const { scenario, said } = filledWith(DEFAULT_SCENARIO, { ...view, earlier, latest });
    expect(scenario).toEqual({ ...DEFAULT_SCENARIO, users: 200, verifyMicros: expect.closeTo(50.6, 6) });
    expect(said).toBe('From edge: 100/s requests, 50.6 µs for each verification.');
  });
});

test('limits that are reached together stand in one line, in the order of the load', () => {
  const at = (value: number) => ({ value, basis: 'extrapolated' as const });
  const limit = (resource: 'cpu' | 'cache', place: string, load: number) => ({
    resource,
    place,
    requestsPerSecond: at(load),
    utilization: at(1),
  });
  expect(
    groupedLimits([limit('cache', 'a -> b', 10), limit('cache', 'c', 10), limit('cpu', 'a', 10), limit('cache', 'd', 20)]),
  ).toEqual([
    { name: 'Cache: a → b, c', at: 10 },
    { name: 'CPU: a', at: 10 },
    { name: 'Cache: d', at: 20 },
  ]);
});
