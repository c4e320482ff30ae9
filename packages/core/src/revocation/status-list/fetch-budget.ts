/** How often lists that are not known yet may be fetched: as many addresses as tokens name must not become as many fetches (C2). */

/** What is remembered of failures, so that each address has its own cool-down. */
const MAX_FAILURES = 1024;

const MINUTE_MS = 60_000;

export class FetchBudget {
  readonly #perMinute: number;
  readonly #cooldownMs: number;
  /** When the last fetch from an address began, if it failed. */
  readonly #failures = new Map<string, number>();
  #left: number;
  #countedAtMs = -Infinity;

  constructor(perMinute: number, cooldownMs: number) {
    this.#perMinute = perMinute;
    this.#cooldownMs = cooldownMs;
    this.#left = perMinute;
  }

  /** Takes one fetch out of the budget, if there is one left. It fills up evenly, to one minute's worth. */
  take(nowMs: number): boolean {
    // A clock that was set back refills nothing and stops nothing.
    const elapsedMs = Math.min(Math.max(0, nowMs - this.#countedAtMs), MINUTE_MS);
    this.#left = Math.min(this.#perMinute, this.#left + (elapsedMs / MINUTE_MS) * this.#perMinute);
    this.#countedAtMs = nowMs;
    if (!(this.#left >= 1)) return false;
    this.#left -= 1;
    return true;
  }

  failed(uri: string, attemptedAtMs: number): void {
    this.#failures.delete(uri);
    this.#failures.set(uri, attemptedAtMs);
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > MAX_FAILURES && oldest !== undefined) this.#failures.delete(oldest);
  }

  succeeded(uri: string): void {
    this.#failures.delete(uri);
  }

  /** Whether the last fetch from this address failed. */
  isFailing(uri: string): boolean {
    return this.#failures.has(uri);
  }

  /** Whether it failed so short a time ago that it is not to be tried again. */
  isCooling(uri: string, nowMs: number): boolean {
    const elapsedMs = nowMs - (this.#failures.get(uri) ?? -Infinity);
    return elapsedMs >= 0 && elapsedMs < this.#cooldownMs;
  }
}
