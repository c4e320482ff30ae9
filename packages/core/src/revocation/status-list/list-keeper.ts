/** Fetches lists, verifies them, and knows how far each one may be trusted now. */
import { readClock } from '../../clock.ts';
import { WatchwordError } from '../../errors.ts';
import { FetchBudget } from './fetch-budget.ts';
import { fetchListToken } from './fetch-list.ts';
import { type KnownList, ListStore } from './list-store.ts';
import { type ListToken, verifyListToken } from './list-token.ts';
import type { StatusListSettings } from './settings.ts';
import { type StatusBits, unpackStatuses } from './status-bits.ts';
import type { StatusReference } from './status-claim.ts';
import type { KnownStatus, StatusLists, StatusListsStats } from './status-lists.ts';

/** Fetches under way at once: each may hold one answer and one list. */
const MAX_FLIGHTS = 16;

export class ListKeeper implements StatusLists {
  readonly issuer: string;
  readonly #settings: StatusListSettings;
  readonly #store: ListStore;
  readonly #budget: FetchBudget;
  readonly #flights = new Map<string, Promise<void>>();
  #fetches = 0;
  #failures = 0;
  #declined = 0;
  #lastFailure: string | undefined;
  #isClosed = false;

  constructor(settings: StatusListSettings) {
    this.issuer = settings.issuer;
    this.#settings = settings;
    this.#store = new ListStore(settings);
    this.#budget = new FetchBudget(settings.maxFetchesPerMinute, settings.cooldownMs);
  }

  allows(uri: string): boolean {
    return this.#settings.allows(uri);
  }

  peek({ uri, idx }: StatusReference): KnownStatus {
    const nowMs = readClock(this.#settings.clock);
    const list = this.#store.use(uri);
    const isTrusted = list !== undefined && this.#isKeyTrusted(list, nowMs);
    const status = isTrusted ? list.statuses.at(idx) : undefined;
    const isFresh = isTrusted && isBefore(nowMs, list, this.#settings.staleAfterMs);
    // An index beyond the end may mean that the list has grown.
    const isCurrent = isFresh && isBefore(nowMs, list, list.ttlMs) && (status !== undefined || !this.#mayAskAgain(list, nowMs));
    const outlook = isCurrent ? 'current' : this.#outlook(uri, nowMs);
    // In the background, for those who don't wait because what is known will do.
    if (outlook === 'failing') void this.refresh(uri);
    return { status, isFresh, outlook };
  }

  refresh(uri: string): Promise<void> {
    const flight = this.#flights.get(uri);
    if (flight !== undefined) return flight;
    const nowMs = readClock(this.#settings.clock);
    if (!this.#mayFetch(uri, nowMs)) return Promise.resolve();
    const next = this.#fetch(uri, nowMs).finally(() => this.#flights.delete(uri));
    this.#flights.set(uri, next);
    return next;
  }

  stats(): StatusListsStats {
    const nowMs = readClock(this.#settings.clock);
    const ages = [...this.#store.lists()].map(({ resolvedAtMs }) => nowMs - resolvedAtMs);
    return {
      lists: this.#store.size,
      bytes: this.#store.bytes,
      fetches: this.#fetches,
      inFlight: this.#flights.size,
      failures: this.#failures,
      declined: this.#declined,
      evictions: this.#store.evictions,
      oldestAgeMs: Math.max(0, ...ages),
      lastFailure: this.#lastFailure,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#store.clear();
  }

  // A cached fact is never stronger than its source: what a key that is gone has signed is nothing (invariant 1).
  #isKeyTrusted({ header, key }: KnownList, nowMs: number): boolean {
    return this.#settings.keys.lookup(header.alg, header.kid, nowMs)?.id === key.id;
  }

  #mayAskAgain({ resolvedAtMs }: KnownList, nowMs: number): boolean {
    return !(Math.abs(nowMs - resolvedAtMs) < this.#settings.cooldownMs);
  }

  #outlook(uri: string, nowMs: number): KnownStatus['outlook'] {
    if (!this.#budget.isFailing(uri)) return 'due';
    return this.#flights.has(uri) || !this.#budget.isCooling(uri, nowMs) ? 'failing' : 'cooling';
  }

  #mayFetch(uri: string, nowMs: number): boolean {
    if (this.#isClosed || !this.#settings.allows(uri) || this.#budget.isCooling(uri, nowMs)) return false;
    const list = this.#store.get(uri);
    if (list !== undefined && this.#isKeyTrusted(list, nowMs) && !this.#mayAskAgain(list, nowMs)) return false;
    // A list that is known has its place whatever else tokens name: there are at most maxLists of them.
    const isAffordable = this.#flights.size < MAX_FLIGHTS && (list !== undefined || this.#budget.take(nowMs));
    if (!isAffordable) this.#declined += 1;
    return isAffordable;
  }

  async #fetch(uri: string, askedAtMs: number): Promise<void> {
    const { fetch, clock, maxListBytes } = this.#settings;
    this.#fetches += 1;
    try {
      const compact = await fetchListToken(fetch, uri, this.#settings);
      const token = await verifyListToken(compact, uri, this.#settings, readClock(clock));
      const statuses = await unpackStatuses(token.lst, token.size, maxListBytes);
      this.#keep(uri, token, statuses, askedAtMs);
      this.#budget.succeeded(uri);
    } catch (error) {
      // What is known stays known until its time is over.
      this.#failures += 1;
      this.#lastFailure = error instanceof WatchwordError ? `${error.code}: ${error.message}` : 'internal';
      this.#budget.failed(uri, askedAtMs);
    }
  }

  #keep(uri: string, token: ListToken, statuses: StatusBits, resolvedAtMs: number): void {
    if (this.#isClosed) return;
    const { shortestTtlMs, refreshMs } = this.#settings;
    const known = this.#store.get(uri);
    // An old copy from some cache on the way must not give back what was taken since.
    if (known !== undefined && known.issuedAtMs > token.issuedAtMs && this.#isKeyTrusted(known, resolvedAtMs))
      throw new WatchwordError('revocation_unavailable', 'the answer is older than the list that is known');
    // SL-7: within what is sane here, whatever the issuer thinks.
    const ttlMs = Math.min(Math.max(token.ttlMs ?? refreshMs, shortestTtlMs), refreshMs);
    const { header, key, issuedAtMs, expiresAtMs } = token;
    const cancelRefresh = this.#planRefresh(uri, ttlMs);
    this.#store.set(uri, { statuses, header, key, issuedAtMs, expiresAtMs, resolvedAtMs, ttlMs, isUsed: false, cancelRefresh });
  }

  // Ahead of the ttl, so that nobody waits; at another moment in each process, so that a fleet does not come at once.
  #planRefresh(uri: string, ttlMs: number): () => void {
    const { schedule, random } = this.#settings;
    return schedule(
      () => {
        if (this.#store.get(uri)?.isUsed === true) void this.refresh(uri);
      },
      ttlMs * (0.7 + 0.2 * random()),
    );
  }
}

// Both ways, so that a clock set back doesn't make the past look current; and NaN is never before.
function isBefore(nowMs: number, { resolvedAtMs, expiresAtMs }: KnownList, ageMs: number): boolean {
  return Math.abs(nowMs - resolvedAtMs) < ageMs && nowMs < expiresAtMs;
}
