/** The table of verdicts together with what it takes to bound it in bytes and to find verdicts by their claims and their expiry. */
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Withdrawal } from '../verify/withdrawal.ts';
import { ExpiryOrder } from './expiry-order.ts';
import { IntList } from './int-list.ts';
import type { TokenDigest } from './token-digest.ts';
import { VerdictIndexes } from './verdict-indexes.ts';
import { estimateBytes } from './verdict-size.ts';
import { VerdictTable } from './verdict-table.ts';
import { isWithdrawn } from './withdrawn.ts';

/** Verdicts within two bounds. */
export class VerdictMemory {
  /** Reads and removes under the current digest; to store, use {@link store}. */
  readonly table: VerdictTable<VerifiedToken>;
  readonly #maxBytes: number;
  readonly #indexes: VerdictIndexes;
  readonly #expiries = new ExpiryOrder();
  /** Estimates by number. */
  readonly #sizes = new IntList();
  #bytes = 0;

  /** @param digest holds the token that is meant @param claimDigest for the indexes */
  constructor(maxEntries: number, maxBytes: number, digest: TokenDigest, claimDigest: TokenDigest) {
    this.#maxBytes = maxBytes;
    this.#indexes = new VerdictIndexes(claimDigest);
    this.table = new VerdictTable(maxEntries, digest, {
      added: (node, verdict) => this.#added(node, verdict),
      removed: (node) => this.#removed(node),
      grown: (capacity) => this.#grown(capacity),
    });
  }

  get size(): number {
    return this.table.size;
  }

  /** The estimate for all verdicts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of all verdicts the one that expires first, if the second in which it does is over. */
  firstExpired(nowMs: number): VerifiedToken | undefined {
    return this.#expiries.firstSecond * 1000 <= nowMs ? this.table.at(this.#expiries.first) : undefined;
  }

  /** Removes {@link firstExpired}. */
  dropFirstExpired(): void {
    this.table.remove(this.#expiries.first);
  }

  /** Stores a verdict, and notes beside it, under the current digest. One that alone is over the bound is not stored. */
  store(tokenLength: number, verdict: VerifiedToken, notes: Int32Array): void {
    const bytes = estimateBytes(verdict);
    if (bytes > this.#maxBytes) return;
    while (this.#bytes + bytes > this.#maxBytes) this.table.evict();
    this.table.set(tokenLength, verdict);
    this.table.note(tokenLength, notes);
  }

  /** Removes what a withdrawal means. @returns how many */
  drop(withdrawal: Withdrawal): number {
    const nodes = this.#indexes.find(withdrawal).filter((node) => isWithdrawn(this.table.at(node), withdrawal));
    for (const node of nodes) this.table.remove(node);
    return nodes.length;
  }

  #added(node: number, verdict: VerifiedToken): void {
    const bytes = estimateBytes(verdict);
    this.#sizes.set(node, bytes);
    this.#bytes += bytes;
    this.#indexes.added(node, verdict);
    this.#expiries.add(node, verdict.window.expiresAtMs / 1000);
  }

  #removed(node: number): void {
    this.#bytes -= this.#sizes.get(node);
    this.#indexes.removed(node);
    this.#expiries.remove(node);
  }

  #grown(capacity: number): void {
    this.#sizes.grow(capacity);
    this.#indexes.grown(capacity);
    this.#expiries.grow(capacity);
  }
}
