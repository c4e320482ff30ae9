/** Which tokens' signatures some thread of this machine has proven: digests in shared memory, read without locks. */
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import { NH_LAYOUT } from './nh-wasm.ts';
import { KEY_GENERATION, REVOCATION_EPOCH, SharedBuckets, createBuckets } from './shared-buckets.ts';
import type { Era } from './shared-slot.ts';
import { type TokenDigest, createTokenDigest } from './token-digest.ts';

/** How much to remember. */
export interface SharedTableOptions {
  /** Tokens that have a place, rounded up to a multiple of 4, at 56 bytes each. Twice as many as are in use evicts next to none. */
  readonly entries: number;
  /** Source of the digest's key. */
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** What another thread needs to open the table; goes through `workerData` and `postMessage`. Never log it: it holds the key. */
export interface SharedTableHandle {
  readonly buffer: SharedArrayBuffer;
  /** Key of the digests. Who knows it could make a token that passes for another. */
  readonly key: Uint8Array;
}

/** Counters of this thread since it opened the table. */
export interface SharedTableStats {
  readonly hits: number;
  readonly misses: number;
  readonly stored: number;
  /** Entries, still alive, that had to make place. */
  readonly evicted: number;
  /** Reads and writes given up because another thread was writing in the same place. */
  readonly lostRaces: number;
}

/** One thread's view of the table. */
export interface SharedTable {
  readonly handle: SharedTableHandle;
  /** Tokens that have a place. */
  readonly capacity: number;
  /** Counters that an entry made now would be made under. Take it before the check whose result is stored. */
  era(): Era;
  /** Whether some thread has proven this exact token under the key with this `VerificationKey.id`, in this era, unexpired. */
  has(token: string, keyId: string, nowMs: number): boolean;
  /** Remembers a proof that began in `era`. Best effort: a busy place, or a token of over 16 KB, is not stored. */
  store(token: string, keyId: string, expiresAtMs: number, era: Era, nowMs: number): void;
  /** A key is not trusted any more: every proof begun before is void, in all threads. */
  bumpKeys(): void;
  /** A key was revoked, or the revocation log begins anew: every proof begun before is void, in all threads. */
  bumpRevocations(): void;
  stats(): SharedTableStats;
}

/** Creates a table. Other threads open its `handle`. @throws WatchwordError `config_invalid` */
export function createSharedTable(options: SharedTableOptions): SharedTable {
  assertKnownOptions(options, ['entries', 'randomBytes'], 'sharedTable');
  const entries = assertBetween(options.entries, 16, 16_777_216, 'sharedTable.entries');
  const randomBytes = assertFunction(options.randomBytes ?? systemRandomBytes, 'sharedTable.randomBytes');
  const key = randomBytes(NH_LAYOUT.keyBytes);
  assertConfig(isKey(key), `sharedTable.randomBytes: must give the ${NH_LAYOUT.keyBytes} bytes asked for`);
  // A copy: what randomBytes gave may lie in a larger buffer, all of which would go to the workers.
  return new OpenTable({ buffer: createBuckets(entries), key: Uint8Array.from(key) });
}

/**
 * Opens a table that another thread has created.
 * @throws WatchwordError `config_invalid` for anything but a handle of the same version
 */
export function openSharedTable(handle: SharedTableHandle): SharedTable {
  assertKnownOptions(handle, ['buffer', 'key'], 'sharedTable.handle');
  assertConfig(isKey(handle.key), 'sharedTable.handle.key: must be the key of a shared table');
  return new OpenTable(handle);
}

function isKey(key: unknown): key is Uint8Array {
  return key instanceof Uint8Array && key.length === NH_LAYOUT.keyBytes;
}

class OpenTable implements SharedTable {
  // Private, and given out by a getter: printing a table doesn't print the key.
  readonly #handle: SharedTableHandle;
  readonly #buckets: SharedBuckets;
  readonly #digest: TokenDigest;
  #hits = 0;
  #misses = 0;

  constructor(handle: SharedTableHandle) {
    this.#handle = handle;
    this.#buckets = new SharedBuckets(handle.buffer);
    this.#digest = createTokenDigest((size) => handle.key.slice(0, size));
  }

  get handle(): SharedTableHandle {
    return this.#handle;
  }

  get capacity(): number {
    return this.#buckets.capacity;
  }

  era(): Era {
    return this.#buckets.era();
  }

  has(token: string, keyId: string, nowMs: number): boolean {
    const text = token + keyId;
    const known = this.#digest.update(text) && this.#buckets.has(this.#digest.words, text.length, nowMs);
    if (known) this.#hits += 1;
    else this.#misses += 1;
    return known;
  }

  store(token: string, keyId: string, expiresAtMs: number, era: Era, nowMs: number): void {
    const text = token + keyId;
    if (this.#digest.update(text)) this.#buckets.store(this.#digest.words, text.length, expiresAtMs, era, nowMs);
  }

  bumpKeys(): void {
    this.#buckets.bump(KEY_GENERATION);
  }

  bumpRevocations(): void {
    this.#buckets.bump(REVOCATION_EPOCH);
  }

  stats(): SharedTableStats {
    const { stored, evicted, lostRaces } = this.#buckets;
    return { hits: this.#hits, misses: this.#misses, stored, evicted, lostRaces };
  }
}
