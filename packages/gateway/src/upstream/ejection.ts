/** Passive health: a target that keeps failing is left alone for a while, and longer each time. */
import type { EjectionConfig } from '../config/sections/upstreams.ts';

/** Counts what one target did. */
export class Ejection {
  readonly #config: EjectionConfig;
  readonly #random: () => number;
  #failuresInRow = 0;
  #timesInRow = 0;
  #untilMs = -Infinity;

  /** @param random from 0 to below 1, so that targets (and gateways) that were ejected together do not come back together */
  constructor(config: EjectionConfig, random: () => number) {
    this.#config = config;
    this.#random = random;
  }

  /** Whether the target is left alone now. */
  isOut(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** It answered like somebody who is well. */
  succeeded(): void {
    this.#failuresInRow = 0;
    this.#timesInRow = 0;
  }

  /** It did not. @returns whether that was once too often: {@link eject} may follow */
  failed(): boolean {
    this.#failuresInRow += 1;
    return this.#config.failures > 0 && this.#failuresInRow >= this.#config.failures;
  }

  /** Leaves it alone. @returns for how long, in milliseconds */
  eject(nowMs: number): number {
    const { baseMs, maxMs } = this.#config;
    // The cap on the exponent keeps the power finite.
    const wholeMs = Math.min(maxMs, baseMs * 2 ** Math.min(this.#timesInRow, 40));
    const forMs = Math.ceil(wholeMs * (0.5 + this.#random() / 2));
    this.#timesInRow += 1;
    // Back on probation: the next failure is one too many again.
    this.#failuresInRow = this.#config.failures - 1;
    this.#untilMs = nowMs + forMs;
    return forMs;
  }
}
