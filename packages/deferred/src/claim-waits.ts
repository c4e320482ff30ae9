/** Claims that wait for the first entry: woken by what happens in this process, looking now and then for what others do. */
import type { Schedule } from '@watchword/core';

/** How long to wait. */
export interface ClaimWait {
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether waiting has no sense any more, for example because the queue is closed. */
  readonly isOver: () => boolean;
}

export class ClaimWaits {
  readonly #schedule: Schedule;
  readonly #pollMs: number;
  readonly #waiting = new Set<() => void>();

  constructor(schedule: Schedule, pollMs: number) {
    this.#schedule = schedule;
    this.#pollMs = pollMs;
  }

  /** There may be something to claim. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Asks until something is given, or the time is over; never again once `signal` is aborted. */
  async until<Item>(ask: () => Promise<readonly Item[]>, { waitMs, signal, isOver }: ClaimWait): Promise<readonly Item[]> {
    let isLast = waitMs === 0 || signal?.aborted === true;
    const end = (): void => {
      isLast = true;
      this.wake();
    };
    const cancel = isLast ? () => {} : this.#schedule(end, waitMs, true);
    signal?.addEventListener('abort', end);
    try {
      for (;;) {
        const given = await ask();
        if (given.length > 0 || isLast || isOver()) return given;
        await this.#pause();
        if (signal?.aborted === true) return [];
      }
    } finally {
      cancel();
      signal?.removeEventListener('abort', end);
    }
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const cancel = this.#schedule(resolve, this.#pollMs, true);
    await promise;
    cancel();
    this.#waiting.delete(resolve);
  }
}
