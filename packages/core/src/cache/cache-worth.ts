/** Whether a cache is worth its memory: what hits have saved, against what remembering has cost. */
import { channel } from 'node:diagnostics_channel';

/** `diagnostics_channel` with a message for each window of look-ups in which a cache cost more than it saved. */
export const CACHE_NOT_WORTH_CHANNEL = 'watchword:cache-not-worth';

/** Message of {@link CACHE_NOT_WORTH_CHANNEL}. Look-ups that ended in a refusal are not counted: no cache could save them. */
export interface CacheNotWorth {
  readonly policyId: string;
  /** Share of the window's accepted look-ups that the cache answered. */
  readonly hitRate: number;
  readonly lookups: number;
  readonly entries: number;
  readonly bytes: number;
  /** What hits saved in the window. */
  readonly savedMicros: number;
  /** What it took to remember the verdicts of the window. */
  readonly spentMicros: number;
}

/** Accepted look-ups in a window. The first one, in which the cache fills, is not judged. */
export const WORTH_WINDOW = 10_000;
/** A hit, from memory that is not warm. Estimated, since taking the time of each would cost a tenth of it. */
const HIT_MICROS = 0.6;
/** Digests, the table, the indexes, and the collector's share. */
const STORE_MICROS = 4;
/** The weight of a new sample in the mean. */
const SHARE = 1 / 16;

const warnings = channel(CACHE_NOT_WORTH_CHANNEL);

/** The account of one cache. */
export class CacheWorth {
  readonly #policyId: string;
  readonly #memory: () => { readonly entries: number; readonly bytes: number };
  #verifyMicros: number | undefined;
  #savedMicros = 0;
  #hits = 0;
  #stored = 0;
  #window: { readonly hits: number; readonly stored: number; readonly savedMicros: number } | undefined;

  constructor(policyId: string, memory: () => { readonly entries: number; readonly bytes: number }) {
    this.#policyId = policyId;
    this.#memory = memory;
  }

  /** What all hits so far have saved. */
  savedMicros(hits: number): number {
    this.#credit(hits);
    return this.#savedMicros;
  }

  /** A token was verified and accepted. @param micros this thread's time for it @param hits all hits of the cache so far */
  verified(micros: number, hits: number): void {
    this.#credit(hits);
    if (Number.isFinite(micros) && micros >= 0) this.#sample(micros);
    this.#stored += 1;
    const { hits: hitsBefore, stored: storedBefore } = this.#window ?? { hits: 0, stored: 0 };
    if (hits - hitsBefore + this.#stored - storedBefore >= WORTH_WINDOW) this.#close();
  }

  // Hits since the last sample, at the mean of then: nothing is computed on a hit.
  #credit(hits: number): void {
    this.#savedMicros += (hits - this.#hits) * ((this.#verifyMicros ?? HIT_MICROS) - HIT_MICROS);
    this.#hits = hits;
  }

  #sample(micros: number): void {
    const mean = this.#verifyMicros;
    // A pause of the machine is no verification.
    this.#verifyMicros = mean === undefined ? micros : mean + SHARE * (Math.min(micros, 8 * mean + 1) - mean);
  }

  #close(): void {
    const before = this.#window;
    this.#window = { hits: this.#hits, stored: this.#stored, savedMicros: this.#savedMicros };
    if (before === undefined) return;
    const [hits, stored] = [this.#hits - before.hits, this.#stored - before.stored];
    const [savedMicros, spentMicros] = [this.#savedMicros - before.savedMicros, stored * STORE_MICROS];
    if (savedMicros >= spentMicros || !warnings.hasSubscribers) return;
    const lookups = hits + stored;
    const account = { lookups, hitRate: hits / lookups, savedMicros, spentMicros };
    warnings.publish({ policyId: this.#policyId, ...account, ...this.#memory() } satisfies CacheNotWorth);
  }
}
