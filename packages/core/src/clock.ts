/** Time as a parameter, so that tests and simulations own it. */
import { WatchwordError } from './errors.ts';

/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

/** The machine's clock. */
export const systemClock: Clock = Date.now;

/**
 * Reads the clock once.
 * @throws WatchwordError `clock_invalid` when it gives anything but a finite number: NaN makes every comparison false (B2).
 */
export function readClock(clock: Clock): number {
  const nowMs = clock();
  if (!Number.isFinite(nowMs)) throw new WatchwordError('clock_invalid');
  return nowMs;
}
