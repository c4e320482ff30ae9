/** Long work in slices, so that it blocks nobody. */
import { setImmediate } from 'node:timers/promises';

/** Lets the event loop have its turn after a while, for all that work at a time. */
export class Slice {
  readonly #milliseconds: number;
  #endsAtMs: number;
  #resting: Promise<void> | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.#endsAtMs = performance.now() + milliseconds;
  }

  /** Returns at once, or after a turn of the event loop. */
  rest(): Promise<void> | undefined {
    if (this.#resting === undefined && performance.now() >= this.#endsAtMs) this.#resting = this.#restOnce();
    return this.#resting;
  }

  async #restOnce(): Promise<void> {
    await setImmediate();
    this.#resting = undefined;
    this.#endsAtMs = performance.now() + this.#milliseconds;
  }
}
