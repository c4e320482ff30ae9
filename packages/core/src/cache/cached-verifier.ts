/** Remembers verdicts, as a decorator of any verifier. A hit is never stronger than a fresh verification (invariant 1). */
import { assertBetween, assertKnownOptions } from '../options.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { CachedVerifier, Verifier } from '../verify/verifier.ts';
import { createTokenDigest } from './token-digest.ts';
import { VerdictTable } from './verdict-table.ts';

/** How much to remember. */
export interface CacheOptions {
  /** Most verdicts kept; the least useful one makes place (SIEVE). Default 10000. */
  readonly maxEntries?: number;
  /** Source of the digest's key. */
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** Counters since the start. */
export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly size: number;
}

/** A verifier with a memory of its own. Verdicts of one policy never serve another: the memory belongs to one verifier (D2). */
export interface VerificationCache extends CachedVerifier {
  stats(): CacheStats;
  /** Forgets everything, verifications under way included. */
  clear(): void;
}

/** Puts a cache in front of a verifier. @throws WatchwordError `config_invalid` */
export function createCachedVerifier(verifier: Verifier, options: CacheOptions = {}): VerificationCache {
  return new RememberingVerifier(verifier, options);
}

class RememberingVerifier implements VerificationCache {
  readonly policyId: string;
  readonly #verifier: Verifier;
  readonly #digest: ReturnType<typeof createTokenDigest>;
  readonly #table: VerdictTable<VerifiedToken>;
  /** Verifications under way, by the whole token: concurrent ones share one. */
  readonly #flights = new Map<string, Promise<VerifiedToken>>();
  #hits = 0;
  #misses = 0;

  constructor(verifier: Verifier, options: CacheOptions) {
    assertKnownOptions(options, ['maxEntries', 'randomBytes'], 'cache');
    const maxEntries = assertBetween(options.maxEntries ?? 10_000, 1, 16_777_216, 'cache.maxEntries');
    this.policyId = verifier.policyId;
    this.#verifier = verifier;
    this.#digest = createTokenDigest(options.randomBytes);
    this.#table = new VerdictTable(Math.floor(maxEntries), this.#digest);
  }

  recall(token: string): VerifiedToken | undefined {
    if (typeof token !== 'string' || !this.#digest.update(token)) return undefined;
    const verdict = this.#table.get(token.length);
    if (verdict === undefined) return undefined;
    if (this.#verifier.holds(verdict)) {
      this.#hits += 1;
      return verdict;
    }
    // Expired, or its key is gone. Not yet valid can't be: only what held once is stored, unless the clock stepped back.
    // The digest is taken again, because `holds` may be a user's, and may have come back here.
    if (this.#digest.update(token)) this.#table.delete(token.length);
    return undefined;
  }

  // Async, so that a `holds` that throws is a rejection.
  async verify(token: string): Promise<VerifiedToken> {
    return this.recall(token) ?? this.#verifyShared(token);
  }

  holds(token: VerifiedToken): boolean {
    return this.#verifier.holds(token);
  }

  stats(): CacheStats {
    return { hits: this.#hits, misses: this.#misses, evictions: this.#table.evictions, size: this.#table.size };
  }

  clear(): void {
    this.#table.clear();
    this.#flights.clear();
  }

  async #verifyShared(token: string): Promise<VerifiedToken> {
    this.#misses += 1;
    const flight = this.#flights.get(token);
    if (flight !== undefined) {
      const verdict = await flight;
      // Time has passed since the other caller began: the shared verdict must hold for this one too.
      return this.#verifier.holds(verdict) ? verdict : this.#verifier.verify(token);
    }
    return this.#verifyAndStore(token);
  }

  async #verifyAndStore(token: string): Promise<VerifiedToken> {
    const flight = this.#verifier.verify(token);
    this.#flights.set(token, flight);
    try {
      const verdict = await flight;
      // Admission only after success: junk never takes a place (D8). And not if clear() came in between.
      if (this.#flights.get(token) === flight && this.#digest.update(token)) this.#table.set(token.length, verdict);
      return verdict;
    } finally {
      if (this.#flights.get(token) === flight) this.#flights.delete(token);
    }
  }
}
