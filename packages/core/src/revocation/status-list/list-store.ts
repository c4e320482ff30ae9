/** The lists that are known, bounded in number and in bytes; the one not used for longest makes place. */
import type { VerificationKey } from '../../keys/verification-key.ts';
import type { JoseHeader } from '../../verify/verified-token.ts';
import type { StatusBits } from './status-bits.ts';

/** A list that passed every check, and for how long it counts. */
export interface KnownList {
  readonly statuses: StatusBits;
  readonly header: JoseHeader;
  readonly key: VerificationKey;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When it was asked for. */
  readonly resolvedAtMs: number;
  /** Time from `resolvedAtMs` after which it is to be fetched again. */
  readonly ttlMs: number;
  /** Whether anybody has asked since. Nobody fetches a list that nobody needs. */
  isUsed: boolean;
  /** Cancels the refresh ahead of time. */
  readonly cancelRefresh: () => void;
}

/** Bounds. */
export interface StoreLimits {
  readonly maxLists: number;
  readonly maxTotalBytes: number;
}

export class ListStore {
  readonly #limits: StoreLimits;
  /** By address; the one used last stands last. */
  readonly #lists = new Map<string, KnownList>();
  #newest: string | undefined;
  #bytes = 0;
  #evictions = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#lists.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  lists(): Iterable<KnownList> {
    return this.#lists.values();
  }

  /** A list, as it is. */
  get(uri: string): KnownList | undefined {
    return this.#lists.get(uri);
  }

  /** A list, for use. */
  use(uri: string): KnownList | undefined {
    const list = this.#lists.get(uri);
    if (list === undefined) return undefined;
    list.isUsed = true;
    // Mostly it stands last already.
    if (this.#newest !== uri) {
      this.#lists.delete(uri);
      this.#lists.set(uri, list);
      this.#newest = uri;
    }
    return list;
  }

  /** Puts in a list in place of the one that was there. */
  set(uri: string, list: KnownList): void {
    this.#drop(uri);
    this.#lists.set(uri, list);
    this.#newest = uri;
    this.#bytes += list.statuses.byteLength;
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= this.#limits.maxLists && this.#bytes <= this.#limits.maxTotalBytes) break;
      this.#drop(oldest);
      this.#evictions += 1;
    }
  }

  clear(): void {
    for (const uri of this.#lists.keys()) this.#drop(uri);
  }

  #drop(uri: string): void {
    const list = this.#lists.get(uri);
    if (list === undefined) return;
    list.cancelRefresh();
    this.#lists.delete(uri);
    this.#bytes -= list.statuses.byteLength;
  }
}
