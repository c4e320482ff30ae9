/**
 * How long an entry stays in a SIEVE cache, given when the hand comes by, and how often a token comes back into it: the law of a
 * renewal process, as a Laplace transform in the time that the token has to live.
 */
import type { Alternation } from './caller-states.ts';
import type { Samples } from './laplace.ts';
import { EvictionLaw, type LookedAt, type Looks } from './sieve-looks.ts';
import { Spectrum } from './spectrum.ts';

/** Users who are alike, as one of the caches sees them. */
export interface Callers extends LookedAt {
  /** The probability that the request with which a token begins comes to this cache. */
  readonly begins: number;
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

/** Computes {@link TokenLife}, once it knows when the hand looks, for lives as long as the samples are for. */
export class SieveLaw {
  readonly #at: Spectrum;
  readonly #weights: Float64Array;
  readonly #sessions: Alternation;
  readonly #evicted: EvictionLaw;
  /** From idle to busy. */
  readonly #wakes: Spectrum;
  /** From busy to the next request that comes here. */
  readonly #returns = new Map<Callers, Spectrum>();
  // Reused: making them takes longer than computing with them.
  readonly #again: Spectrum;
  readonly #inserted: Spectrum;

  constructor({ at, weights }: Samples, sessions: Alternation) {
    this.#sessions = sessions;
    [this.#at, this.#weights, this.#evicted] = [at, weights, new EvictionLaw(at, sessions)];
    [this.#again, this.#inserted] = [new Spectrum(weights.length), new Spectrum(weights.length)];
    const leaves = this.#again.set(at).scaled(1, sessions.back);
    this.#wakes = new Spectrum(weights.length).fill(sessions.back).over(leaves);
  }

  /** From now on the hand looks at these times. */
  lookAt(looks: Looks): void {
    this.#evicted.lookAt(looks);
  }

  lifeOf(callers: Callers): TokenLife {
    const weights = this.#weights;
    const returns = this.#returnsOf(callers);
    const { first, second, all, isRepeated } = this.#evicted.update(callers);
    // Of the insertions, those that are followed by an eviction and a return.
    const again = this.#again.set(all.idle).times(this.#wakes).plus(all.busy).times(returns);
    const starts = this.#inserted.set(returns).scaled(1 - callers.begins, callers.begins);
    const inserted = starts.over(again.scaled(-1, 1).times(this.#at));
    const insertions = inserted.sum(weights);
    const left = all.busy.plus(all.idle).times(inserted);
    const evictions = left.sum(weights);
    const atFirst = isRepeated ? first.busy.plus(first.idle).times(inserted).sum(weights) : evictions;
    const atSecond = isRepeated ? second.busy.plus(second.idle).times(inserted).sum(weights) : 0;
    const seconds = inserted.plus(left, -1).over(this.#at).sum(weights);
    return { insertions, seconds, evictions, atFirst, atSecond };
  }

  #returnsOf(callers: Callers): Spectrum {
    let returns = this.#returns.get(callers);
    if (returns === undefined) {
      const { leave } = this.#sessions;
      const goes = this.#again
        .set(this.#wakes)
        .scaled(-leave, leave + callers.perSecond)
        .plus(this.#at);
      returns = new Spectrum(goes.re.length).fill(callers.perSecond).over(goes);
      this.#returns.set(callers, returns);
    }
    return returns;
  }
}
