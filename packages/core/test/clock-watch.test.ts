/** A clock that goes wrong is told of, by how much, once. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLOCK_STEP_CHANNEL, type ClockStep, watchClock } from '../src/clock-watch.ts';
import { ManualSchedule } from './revocation/manual-schedule.ts';
import { outcome } from './support/verdicts.ts';

const START_MS = 1_800_000_000_000;
const DAY = 86_400_000;
let told: number[] = [];
const listener = (step: unknown): number => told.push((step as ClockStep).stepMs);

beforeEach(() => {
  told = [];
  subscribe(CLOCK_STEP_CHANNEL, listener);
});
afterEach(() => {
  unsubscribe(CLOCK_STEP_CHANNEL, listener);
});

/** A minute of a machine whose clock reads `reading(ms)` when `ms` have passed. */
async function minute(reading: (passedMs: number) => number): Promise<number[]> {
  const time = new ManualSchedule(0);
  const watch = watchClock({ clock: () => START_MS + reading(time.nowMs), now: time.clock, schedule: time.schedule });
  await time.pass(60_000);
  watch.close();
  expect(time.pending).toBe(0);
  return told;
}

describe('watchClock', () => {
  test.each([{ thresholdMs: 0 }, { thresholdMs: NaN }, { intervalMs: -1 }, { clock: 5 }, { threshold: 5 }, null])(
    'refuses %j as a configuration',
    (options) => {
      expect(outcome(() => watchClock(options as never))).toBe('config_invalid');
    },
  );

  test('refuses to begin with a clock that gives no time', () => {
    expect(outcome(() => watchClock({ clock: () => NaN }))).toBe('clock_invalid');
  });

  test('says nothing about a clock that is right, or only a little off', async () => {
    expect(await minute((passed) => passed)).toEqual([]);
    expect(await minute((passed) => passed * (1 + 500e-6))).toEqual([]);
    expect(await minute((passed) => passed + (passed > 30_000 ? 4999 : 0))).toEqual([]);
  });

  test.each([5000, -5000, 60_000, -60_000, DAY, -DAY])('S21: a step by %i ms is told once, within a second', async (stepMs) => {
    expect(await minute((passed) => passed + (passed >= 30_000 ? stepMs : 0))).toEqual([stepMs]);
  });

  test('S21: a step and its repair are two', async () => {
    expect(await minute((passed) => passed - (passed >= 20_000 && passed < 40_000 ? DAY : 0))).toEqual([-DAY, DAY]);
  });

  test('S21: a clock that stands still is told again and again', async () => {
    expect(await minute((passed) => Math.min(passed, 30_000))).toEqual([-5000, -5000, -5000, -5000, -5000, -5000]);
  });

  test('S21: a clock of a wrong speed is told when it has come to the threshold', async () => {
    expect(await minute((passed) => passed * 1.25)).toEqual([5000, 5000, 5000]);
  });

  test('S21: an unreadable clock is told, and a good one after it not', async () => {
    expect(await minute((passed) => (passed === 30_000 ? NaN : passed))).toEqual([NaN]);
  });
});
