/** Timers as a parameter, so that tests and simulations own them. */

/** Calls back after a delay in milliseconds. Only what a caller waits for keeps the process alive. @returns what cancels it */
export type Schedule = (callback: () => void, delayMs: number, isAwaited?: boolean) => () => void;

/** The machine's timers. */
export const systemSchedule: Schedule = (callback, delayMs, isAwaited = false) => {
  const timer = setTimeout(callback, delayMs);
  if (!isAwaited) timer.unref();
  return () => clearTimeout(timer);
};

/** A number in [0, 1). */
export type Random = () => number;

/** Does it again and again, each time `everyMs` after the last. @returns what ends it */
export function repeat(schedule: Schedule, everyMs: number, action: () => void): () => void {
  let cancel = (): void => {};
  const plan = (): void => {
    cancel = schedule(() => {
      action();
      plan();
    }, everyMs);
  };
  plan();
  return () => cancel();
}
