/** One timer that can be set again. */
import type { Schedule } from '../revocation/schedule.ts';

/** The longest delay that timers take; beyond it Node would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

export class Timer {
  readonly #schedule: Schedule;
  #cancel: (() => void) | undefined;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Calls back once, in place of what was set before. */
  set(delayMs: number, callback: () => void): void {
    this.cancel();
    this.#cancel = this.#schedule(callback, Math.min(Math.max(0, delayMs), LONGEST_MS));
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
