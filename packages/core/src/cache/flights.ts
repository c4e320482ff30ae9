/** Verifications under way, by token: concurrent ones of one token share one. */
import type { VerifiedToken } from '../verify/verified-token.ts';
import { type TokenDigest, homeOf } from './token-digest.ts';

/** One of them. */
export interface Flight {
  readonly token: string;
  readonly verdict: Promise<VerifiedToken>;
}

/**
 * The table. Not by the tokens themselves: V8 keeps a copy of each text that a Map is asked for, in memory that only a full collection
 * frees, and a flood of new tokens would fill that. Two tokens may have one place: then the second one is on its own.
 */
export class Flights {
  readonly #digest: TokenDigest;
  readonly #byPlace = new Map<number, Flight>();

  /** @param digest for the places; overwritten */
  constructor(digest: TokenDigest) {
    this.#digest = digest;
  }

  find(token: string): Promise<VerifiedToken> | undefined {
    if (this.#byPlace.size === 0) return undefined;
    const flight = this.#byPlace.get(this.#placeOf(token));
    return flight?.token === token ? flight.verdict : undefined;
  }

  /** @returns what removes it */
  add(token: string, verdict: Promise<VerifiedToken>): () => void {
    const place = this.#placeOf(token);
    const flight: Flight = { token, verdict };
    if (this.#byPlace.has(place)) return nothing;
    this.#byPlace.set(place, flight);
    return () => {
      if (this.#byPlace.get(place) === flight) this.#byPlace.delete(place);
    };
  }

  clear(): void {
    this.#byPlace.clear();
  }

  // What has no digest is refused by its form.
  #placeOf(token: string): number {
    return typeof token === 'string' && this.#digest.update(token) ? homeOf(this.#digest.brief, 0) : 0;
  }
}

function nothing(): void {}
