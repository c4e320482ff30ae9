/**
 * How long an entry stays in a SIEVE cache, given when the hand comes by, and how often a token comes back into it: the law of a
 * renewal process, as a Laplace transform in the time that the token has to live.
 */
import type { Alternation } from './caller-states.ts';
import type { Samples } from './laplace.ts';
import { EvictionLaw, type Looks } from './sieve-looks.ts';
import { Spectrum } from './spectrum.ts';

/** Users who are alike, as one of the caches sees them. */
export interface Callers {
  readonly sessions: Alternation;
  /** Requests of one busy user that come to this cache, per second. */
  readonly perSecond: number;
  /** The probability that the request with which a token begins comes to this cache. */
  readonly begins: number;
  /** The probability that a request which comes here uses the token here more than once. */
  readonly repeats: number;
}

/** Means over the life of one token, in one cache. */
export interface TokenLife {
  readonly insertions: number;
  /** Seconds in the cache while the token lives. */
  readonly seconds: number;
  readonly evictions: number;
  /** Those at the first look, and at the second. */
  readonly atFirst: number;
  readonly atSecond: number;
}

/** Computes {@link TokenLife} for lives as long as the samples are for. */
export class SieveLaw {
  readonly #at: Spectrum;
  readonly #weights: readonly number[];
  readonly #evicted: EvictionLaw;
  // Reused for each class of callers: making them takes longer than computing with them.
  readonly #wakes: Spectrum;
  readonly #returns: Spectrum;
  readonly #again: Spectrum;
  readonly #inserted: Spectrum;

  constructor(looks: Looks, { at, weights }: Samples) {
    [this.#at, this.#weights, this.#evicted] = [at, weights, new EvictionLaw(looks, at)];
    const size = weights.length;
    [this.#wakes, this.#returns] = [new Spectrum(size), new Spectrum(size)];
    [this.#again, this.#inserted] = [new Spectrum(size), new Spectrum(size)];
  }

  lifeOf(callers: Callers): TokenLife {
    const weights = this.#weights;
    this.#comeBack(callers);
    const { first, second, all } = this.#evicted;
    this.#evicted.update(callers);
    // Of the insertions, those that are followed by an eviction and a return.
    const again = this.#again.set(all.idle).times(this.#wakes).plus(all.busy).times(this.#returns);
    const starts = this.#inserted.set(this.#returns).scaled(1 - callers.begins, callers.begins);
    const inserted = starts.over(again.scaled(-1, 1).times(this.#at));
    const insertions = inserted.sum(weights);
    const left = all.busy.plus(all.idle).times(inserted);
    const evictions = left.sum(weights);
    const atFirst = first.busy.plus(first.idle).times(inserted).sum(weights);
    const atSecond = second.busy.plus(second.idle).times(inserted).sum(weights);
    const seconds = inserted.plus(left, -1).over(this.#at).sum(weights);
    return { insertions, seconds, evictions, atFirst, atSecond };
  }

  // From idle to busy, and from busy to the next request that comes here.
  #comeBack({ perSecond, sessions: { leave, back } }: Callers): void {
    const goes = this.#again.set(this.#at).scaled(1, back);
    this.#wakes.fill(back).over(goes);
    goes
      .set(this.#wakes)
      .scaled(-leave, leave + perSecond)
      .plus(this.#at);
    this.#returns.fill(perSecond).over(goes);
  }
}
