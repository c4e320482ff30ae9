/** Timers that a test fires by hand, with the clock that they run by. */
import type { Schedule } from '../../src/revocation/schedule.ts';

export class ManualSchedule {
  nowMs: number;
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  readonly clock = (): number => this.nowMs;

  readonly schedule: Schedule = (callback, delayMs) => {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, timers firing on their way, and whatever they begin come to its end. */
  async pass(delayMs: number): Promise<void> {
    const endMs = this.nowMs + delayMs;
    for (;;) {
      const next = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.nowMs = endMs;
  }
}

/** Runs everything that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
