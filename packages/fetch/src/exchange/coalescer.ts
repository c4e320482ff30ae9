/** Gathers exchanges that are asked for at about the same time into one call. */
import { callBatch } from './batch-call.ts';
import { ExchangeError } from './exchange-error.ts';
import type { ExchangeSettings } from './exchange-options.ts';

interface Waiting {
  /** The exchange as JSON. */
  readonly item: string;
  readonly sinceMs: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A queue in front of the batch endpoint. */
export class Coalescer {
  readonly #settings: ExchangeSettings;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;
  /** Calls made, exchanges sent. */
  calls = 0;
  sent = 0;

  constructor(settings: ExchangeSettings) {
    this.#settings = settings;
  }

  /** Resolves with the result of this exchange. @throws ExchangeError (as a rejection) */
  ask(item: string): Promise<unknown> {
    const { maxQueued, maxBatch, waitMs, clock, schedule } = this.#settings;
    if (this.#isClosed) return Promise.reject(new ExchangeError('upstream_unavailable', 'The exchange client was closed'));
    if (this.#waiting.length >= maxQueued) {
      return Promise.reject(new ExchangeError('overloaded', 'Too many exchanges wait for the token service'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ item, sinceMs: clock(), resolve, reject });
    if (this.#waiting.length >= maxBatch) this.#send();
    else this.#cancelTimer ??= schedule(() => this.#send(), waitMs, true);
    return promise;
  }

  /** Refuses what waits. Calls under way end by themselves. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new ExchangeError('upstream_unavailable', 'The exchange client was closed'));
    }
  }

  #send(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { maxInFlight, maxBatch } = this.#settings;
    while (this.#waiting.length > 0 && this.#inFlight < maxInFlight) {
      const batch = this.#waiting.splice(0, maxBatch).filter((one) => this.#isInTime(one));
      if (batch.length > 0) void this.#call(batch);
    }
  }

  #isInTime({ sinceMs, reject }: Waiting): boolean {
    const { clock, timeoutMs } = this.#settings;
    if (clock() - sinceMs < timeoutMs) return true;
    reject(new ExchangeError('upstream_timeout', 'The exchange waited too long for the token service'));
    return false;
  }

  async #call(batch: readonly Waiting[]): Promise<void> {
    this.#inFlight += 1;
    this.calls += 1;
    this.sent += batch.length;
    try {
      const results = await callBatch(
        batch.map(({ item }) => item),
        this.#settings,
      );
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#inFlight -= 1;
      // Those who came while all calls were taken.
      if (!this.#isClosed) this.#send();
    }
  }
}
