/** Notices when the machine's clock is set, stands still or runs at a wrong speed: the rules of time are only as good as it is. */
import { channel } from 'node:diagnostics_channel';
import { type Clock, readClock, systemClock } from './clock.ts';
import { assertBetween, assertFunction, assertKnownOptions } from './options.ts';
import { type Schedule, systemSchedule } from './revocation/schedule.ts';

/** `diagnostics_channel` with one message for each time that the clock is found to have gone wrong (S21). */
export const CLOCK_STEP_CHANNEL = 'watchword:clock-step';

/** Message of {@link CLOCK_STEP_CHANNEL}. */
export interface ClockStep {
  /** How far the clock went further than the time that passed, in milliseconds; below zero: it went back, or stood still. NaN: unreadable. */
  readonly stepMs: number;
}

/** How to watch. */
export interface ClockWatchOptions {
  /** Least step that is told, in milliseconds. Default 5000: the default tolerance of a verifier. */
  readonly thresholdMs?: number;
  /** Time between two looks, in milliseconds. Default 1000. */
  readonly intervalMs?: number;
  /** The clock that is watched. */
  readonly clock?: Clock;
  /** Monotonic time in milliseconds, from any start. Default `performance.now`. */
  readonly now?: () => number;
  readonly schedule?: Schedule;
}

/** A watch that runs until it is closed. It doesn't keep the process alive. */
export interface ClockWatch {
  /** What the clock has gone wrong since the watch began, in milliseconds. */
  readonly driftMs: number;
  close(): void;
}

const OPTIONS = ['thresholdMs', 'intervalMs', 'clock', 'now', 'schedule'];

/**
 * Holds the clock against monotonic time. Small errors add up: a clock that is slewed is told when it is off by the threshold.
 * A clock that was wrong from the beginning looks right: nothing inside the machine could tell.
 * @throws WatchwordError `config_invalid`; `clock_invalid` for a clock that can't be read now
 */
export function watchClock(options: ClockWatchOptions = {}): ClockWatch {
  assertKnownOptions(options, OPTIONS, 'clockWatch');
  const { clock = systemClock, now = () => performance.now(), schedule = systemSchedule } = options;
  for (const [name, value] of Object.entries({ clock, now, schedule })) assertFunction(value, `clockWatch.${name}`);
  const thresholdMs = assertBetween(options.thresholdMs ?? 5000, 1, 86_400_000, 'clockWatch.thresholdMs');
  const intervalMs = assertBetween(options.intervalMs ?? 1000, 1, 3_600_000, 'clockWatch.intervalMs');
  const steps = channel(CLOCK_STEP_CHANNEL);
  const offset = (): number => clock() - now();
  const startMs = readClock(clock) - now();
  let toldMs = startMs;
  const look = (): void => {
    const stepMs = offset() - toldMs;
    // Written so that NaN is told.
    if (!(Math.abs(stepMs) < thresholdMs)) {
      if (steps.hasSubscribers) steps.publish({ stepMs } satisfies ClockStep);
      if (Number.isFinite(stepMs)) toldMs += stepMs;
    }
    cancel = schedule(look, intervalMs);
  };
  let cancel = schedule(look, intervalMs);
  return {
    get driftMs() {
      return offset() - startMs;
    },
    close: () => cancel(),
  };
}
