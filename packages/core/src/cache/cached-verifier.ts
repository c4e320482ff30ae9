/** Remembers verdicts, as a decorator of any verifier. A hit is never stronger than a fresh verification (invariant 1). */
import { type Clock, systemClock } from '../clock.ts';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import type { WatchwordError } from '../errors.ts';
import { earlyRefusalOf } from '../verify/early-refusal.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { CachedVerifier, Verifier } from '../verify/verifier.ts';
import type { Withdrawal } from '../verify/withdrawal.ts';
import { CacheWorth } from './cache-worth.ts';
import { Flights } from './flights.ts';
import { createTokenDigest } from './token-digest.ts';
import { VerdictMemory } from './verdict-memory.ts';
import { VerdictNotes } from './verdict-notes.ts';

/** How much to remember. */
export interface CacheOptions {
  /** Most verdicts kept; the least useful one makes place (SIEVE). Default 10000. */
  readonly maxEntries?: number;
  /** Most memory they may take, in bytes, as estimated from their claims. Default 4096 for each of `maxEntries`. */
  readonly maxBytes?: number;
  /** Source of the digests' keys. */
  readonly randomBytes?: (size: number) => Uint8Array;
  /** The clock of the verifier, by which expired verdicts give their places back; it decides nothing else. Default `Date.now`. */
  readonly clock?: Clock;
  /** Milliseconds from any start, for durations. Default `performance.now`. */
  readonly stopwatch?: () => number;
}

/** Counters since the start, and two gauges. */
export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Verdicts that made place for others. */
  readonly evictions: number;
  /** Verdicts that were found not to hold any more: expired, or their key or token was withdrawn. */
  readonly expired: number;
  /** Verdicts that `drop` removed. */
  readonly dropped: number;
  /** Verdicts now. */
  readonly size: number;
  /** Their estimated memory. */
  readonly bytes: number;
  /** This thread's time that hits have saved: a moving mean of what verifications take, less what a hit takes, in microseconds. */
  readonly savedMicros: number;
}

/** A verifier with a memory of its own. Verdicts of one policy never serve another: the memory belongs to one verifier (D2). */
export interface VerificationCache extends CachedVerifier {
  stats(): CacheStats;
  /**
   * Removes exactly the verdicts that a withdrawal means. Called by itself for what the verifier tells (`onWithdrawal`). It frees
   * memory and decides nothing: each hit asks `holds` in any case (D7). @returns how many
   */
  drop(withdrawal: Withdrawal): number;
  /** Forgets everything, verifications under way included. */
  clear(): void;
  /** Ends the subscription to the verifier's withdrawals. A cache that nobody refers to any more ends it by itself. */
  close(): void;
}

/** Puts a cache in front of a verifier. @throws WatchwordError `config_invalid` */
export function createCachedVerifier(verifier: Verifier, options: CacheOptions = {}): VerificationCache {
  assertKnownOptions(options, ['maxEntries', 'maxBytes', 'randomBytes', 'clock', 'stopwatch'], 'cache');
  const cache = new RememberingVerifier(verifier, options);
  cache.subscribe();
  return cache;
}

/** Expired verdicts that go, at most, when one comes. */
const MOST_SWEPT = 16;

class RememberingVerifier implements VerificationCache {
  readonly policyId: string;
  readonly #verifier: Verifier;
  readonly #digest: ReturnType<typeof createTokenDigest>;
  readonly #memory: VerdictMemory;
  readonly #notes: VerdictNotes;
  readonly #worth: CacheWorth;
  readonly #clock: Clock;
  readonly #stopwatch: () => number;
  readonly #flights: Flights;
  /** Rises with each withdrawal, and when all is forgotten. */
  #epoch = 0;
  #stop: (() => void) | undefined;
  #hits = 0;
  #misses = 0;
  #expired = 0;
  #dropped = 0;

  constructor(verifier: Verifier, options: CacheOptions) {
    const maxEntries = Math.floor(assertBetween(options.maxEntries ?? 10_000, 1, 16_777_216, 'cache.maxEntries'));
    const maxBytes = assertBetween(options.maxBytes ?? maxEntries * 4096, 1, 2 ** 50, 'cache.maxBytes');
    this.policyId = verifier.policyId;
    this.#verifier = verifier;
    this.#clock = assertFunction(options.clock ?? systemClock, 'cache.clock');
    this.#stopwatch = assertFunction(options.stopwatch ?? (() => performance.now()), 'cache.stopwatch');
    this.#digest = createTokenDigest(options.randomBytes);
    this.#flights = new Flights(this.#digest);
    this.#memory = new VerdictMemory(maxEntries, maxBytes, this.#digest, createTokenDigest(options.randomBytes));
    this.#notes = new VerdictNotes(verifier);
    this.#worth = new CacheWorth(verifier.policyId, () => ({ entries: this.#memory.size, bytes: this.#memory.bytes }));
  }

  recall(token: string): VerifiedToken | undefined {
    if (typeof token !== 'string' || !this.#digest.begin(token)) return undefined;
    const { table } = this.#memory;
    const home = table.begin();
    this.#digest.finish(token);
    const verdict = table.get(token.length, home);
    if (verdict === undefined) return undefined;
    const isStale = !this.#notes.areCurrent(table.notes);
    if ((!isStale && this.#notes.suffice(table.notes)) || this.#verifier.holds(verdict)) {
      this.#hits += 1;
      if (isStale && this.#digest.update(token)) table.note(token.length, this.#notes.write(verdict));
      return verdict;
    }
    this.#expired += 1;
    // Expired, or its key is gone. Not yet valid can't be: only what held once is stored, unless the clock stepped back.
    // The digest is taken again, because `holds` may be a user's, and may have come back here.
    if (this.#digest.update(token)) this.#memory.table.delete(token.length);
    return undefined;
  }

  // Async, so that a `holds` that throws is a rejection.
  async verify(token: string): Promise<VerifiedToken> {
    return this.recall(token) ?? this.#verifyShared(token);
  }

  refusal(token: string): WatchwordError | undefined {
    const refusal = earlyRefusalOf(this.#verifier)?.(token);
    if (refusal !== undefined) this.#misses += 1;
    return refusal;
  }

  holds(token: VerifiedToken): boolean {
    return this.#verifier.holds(token);
  }

  stats(): CacheStats {
    const { bytes, size, table } = this.#memory;
    const counters = { hits: this.#hits, misses: this.#misses, evictions: table.evictions, expired: this.#expired };
    return { ...counters, dropped: this.#dropped, size, bytes, savedMicros: this.#worth.savedMicros(this.#hits) };
  }

  drop(withdrawal: Withdrawal): number {
    // What is being verified may have passed the check that would refuse it now: answered, yet not stored.
    this.#epoch += 1;
    const count = this.#memory.drop(withdrawal);
    this.#dropped += count;
    return count;
  }

  clear(): void {
    this.#epoch += 1;
    this.#memory.table.clear();
    this.#flights.clear();
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  // Weakly, so that keys that live long don't keep a forgotten cache alive.
  subscribe(): void {
    const reference = new WeakRef(this);
    const stop = this.#verifier.onWithdrawal?.((withdrawal) => {
      const cache = reference.deref();
      if (cache === undefined) stop?.();
      else cache.drop(withdrawal);
    });
    this.#stop = stop;
  }

  async #verifyShared(token: string): Promise<VerifiedToken> {
    this.#misses += 1;
    const flight = this.#flights.find(token);
    if (flight !== undefined) {
      const verdict = await flight;
      // Time has passed since the other caller began: the shared verdict must hold for this one too.
      return this.#verifier.holds(verdict) ? verdict : this.#verifier.verify(token);
    }
    return this.#verifyAndStore(token);
  }

  // What has expired gives its place back, so that nothing that still holds is evicted for it. A hit has no part in it.
  #sweep(): void {
    const nowMs = this.#clock();
    for (let count = 0; count < MOST_SWEPT; count += 1) {
      const verdict = this.#memory.firstExpired(nowMs);
      if (verdict === undefined || this.#mayHold(verdict)) return;
      // `holds` may be a user's, and may have changed the memory.
      if (this.#memory.firstExpired(nowMs) !== verdict) return;
      this.#memory.dropFirstExpired();
      this.#expired += 1;
    }
  }

  #mayHold(verdict: VerifiedToken): boolean {
    try {
      return this.#verifier.holds(verdict);
    } catch {
      // Nobody has asked for this token: whoever does will hear of it.
      return true;
    }
  }

  async #verifyAndStore(token: string): Promise<VerifiedToken> {
    const epoch = this.#epoch;
    const startMs = this.#stopwatch();
    const flight = this.#verifier.verify(token);
    // This thread's share: what other threads or the network take is nothing that a hit saves here.
    const micros = (this.#stopwatch() - startMs) * 1000;
    const land = this.#flights.add(token, flight);
    try {
      const verdict = await flight;
      this.#sweep();
      // Admission only after success: junk never takes a place (D8). And not if clear() or a withdrawal came in between.
      if (this.#epoch === epoch && this.#digest.update(token))
        this.#memory.store(token.length, verdict, this.#notes.write(verdict));
      this.#worth.verified(micros, this.#hits);
      return verdict;
    } finally {
      land();
    }
  }
}
