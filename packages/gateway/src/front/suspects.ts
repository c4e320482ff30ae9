/** Addresses that were asked for calm a short time ago. Who is on the list is served, with less patience (F2). */

/** How long an address stays on the list after it was last asked. */
const SUSPECT_MS = 60_000;
/** An attacker with many addresses must not fill the memory with them. */
const MOST_SUSPECTS = 10_000;

/** The list. */
export class Suspects {
  /** Address to when it was asked, in the order of that time. */
  readonly #askedMs = new Map<string, number>();

  /** Puts an address on the list, or keeps it there for longer. */
  add(address: string, nowMs: number): void {
    this.#askedMs.delete(address);
    this.#askedMs.set(address, nowMs);
    if (this.#askedMs.size > MOST_SUSPECTS) this.#askedMs.delete(this.#askedMs.keys().next().value!);
  }

  has(address: string, nowMs: number): boolean {
    const askedMs = this.#askedMs.get(address);
    if (askedMs === undefined) return false;
    if (nowMs - askedMs < SUSPECT_MS) return true;
    this.#askedMs.delete(address);
    return false;
  }
}
