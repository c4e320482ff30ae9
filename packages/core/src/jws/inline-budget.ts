/** How much of this thread's time signature checks may take: a bucket of milliseconds that fills by itself. */

/** The bucket's content is for this long. */
const WINDOW_MS = 10;

/** Lets work be done here as long as it takes no more than `budgetMs` of each 10 ms. */
export class InlineBudget {
  readonly #budgetMs: number;
  readonly #now: () => number;
  #leftMs: number;
  #readAtMs: number;

  /** @param now monotonic time in milliseconds */
  constructor(budgetMs: number, now: () => number) {
    this.#budgetMs = budgetMs;
    this.#now = now;
    this.#leftMs = budgetMs;
    this.#readAtMs = now();
  }

  /** Whether there is time for one more check. It may take longer than what is left: that is missing afterwards. */
  isLeft(): boolean {
    const nowMs = this.#now();
    const filledMs = (Math.max(0, nowMs - this.#readAtMs) * this.#budgetMs) / WINDOW_MS;
    this.#leftMs = Math.min(this.#budgetMs, this.#leftMs + filledMs);
    this.#readAtMs = nowMs;
    return this.#leftMs > 0;
  }

  /** Does the work and takes its time off. */
  spend<Result>(work: () => Result): Result {
    const startedMs = this.#now();
    try {
      return work();
    } finally {
      const tookMs = this.#now() - startedMs;
      // Where the system took this thread's core away meanwhile, that was not the work's: two windows later it is forgotten.
      this.#leftMs = Math.max(-this.#budgetMs, this.#leftMs - tookMs);
    }
  }
}
