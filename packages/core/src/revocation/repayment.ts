/** What is known here and missing in the log, and how it gets back there. */
import type { Clock } from '../clock.ts';
import { type Revocation, encodeRevocation } from './revocation.ts';
import type { RevocationLog } from './revocation-log.ts';
import type { Random, Schedule } from './schedule.ts';

/** Where time and chance come from. */
export interface RepaymentSurroundings {
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
}

/** How the repayment goes. */
export interface RepaymentStats {
  readonly owed: number;
  readonly repaid: number;
  readonly failures: number;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;
/** Appends under way at once. */
const BATCH = 256;

/** Appends again what a log has lost, until it is there or has expired. */
export class Repayment {
  readonly #log: RevocationLog;
  readonly #surroundings: RepaymentSurroundings;
  readonly #owed = new Map<string, Revocation>();
  #cancel: (() => void) | undefined;
  #delayMs = FIRST_DELAY_MS;
  #repaid = 0;
  #failures = 0;
  #isClosed = false;

  constructor(log: RevocationLog, surroundings: RepaymentSurroundings) {
    this.#log = log;
    this.#surroundings = surroundings;
  }

  /** Notes that the log may lack a revocation. */
  owe(revocation: Revocation): void {
    this.#owed.set(encodeRevocation(revocation), revocation);
  }

  /** Notes that the log has it. */
  settle(revocation: Revocation): void {
    if (this.#owed.size > 0) this.#owed.delete(encodeRevocation(revocation));
  }

  /** Begins soon, unless nothing is owed or it has begun. */
  start(): void {
    if (this.#isClosed || this.#cancel !== undefined || this.#owed.size === 0) return;
    const { schedule, random } = this.#surroundings;
    // Many followers find the same loss at the same time: let one come first, and the others see its entries.
    this.#cancel = schedule(() => void this.#repay(), this.#delayMs * (0.5 + random()));
  }

  /** What the log may lack. */
  owed(): Revocation[] {
    return [...this.#owed.values()];
  }

  stats(): RepaymentStats {
    return { owed: this.#owed.size, repaid: this.#repaid, failures: this.#failures };
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #repay(): Promise<void> {
    let isWell = true;
    while (isWell && this.#owed.size > 0) {
      const batch = [...this.#owed.values()].slice(0, BATCH);
      const outcomes = await Promise.all(batch.map((revocation) => this.#append(revocation)));
      isWell = outcomes.every(Boolean);
    }
    this.#delayMs = isWell ? FIRST_DELAY_MS : Math.min(2 * this.#delayMs, MAX_DELAY_MS);
    this.#cancel = undefined;
    this.start();
  }

  async #append(revocation: Revocation): Promise<boolean> {
    if (this.#isClosed) return false;
    // An expired one is owed to nobody.
    if (this.#surroundings.clock() >= revocation.expiresAtMs) {
      this.settle(revocation);
      return true;
    }
    try {
      await this.#log.append(revocation);
      this.settle(revocation);
      this.#repaid += 1;
      return true;
    } catch {
      this.#failures += 1;
      return false;
    }
  }
}
