/** Which DPoP proofs have been used, in the memory of one process: bounded in number and in time. */
import { WatchwordError } from '../errors.ts';

/** Remembers names for a fixed time. */
export class ProofMemory {
  readonly #most: number;
  readonly #keepMs: number;
  // In the order of arrival. All are kept for the same time, so the first to go is the first that came, unless a clock was set back.
  readonly #untilMs = new Map<string, number>();

  constructor(most: number, keepMs: number) {
    this.#most = most;
    this.#keepMs = keepMs;
  }

  /**
   * Notes a use.
   * @throws WatchwordError `token_replayed` for the second one; `replay_unavailable` when so many are remembered that another one
   * could only be had by forgetting one that may come again
   */
  use(id: string, nowMs: number): void {
    if (this.#untilMs.has(id)) throw new WatchwordError('token_replayed', 'The DPoP proof was used before');
    this.#forget(nowMs);
    if (this.#untilMs.size >= this.#most) throw new WatchwordError('replay_unavailable', 'Too many DPoP proofs at a time');
    // Twice: a proof may come that much before its iat, and that much after.
    this.#untilMs.set(id, nowMs + 2 * this.#keepMs);
  }

  #forget(nowMs: number): void {
    for (const [id, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) return;
      this.#untilMs.delete(id);
    }
  }
}
