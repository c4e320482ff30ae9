/** The memory that threads share: a header with the era, then buckets of entries. Two buckets may hold a token. */
import { assertConfig } from '../errors.ts';
import { WAYS, choosePlace } from './shared-place.ts';
import {
  type Era,
  SEQUENCE,
  SLOT_WORDS,
  type SharedWords,
  expiryOf,
  fillSlot,
  firstDigestWord,
  isAbout,
  isAlive,
  readSlot,
  writeSlot,
} from './shared-slot.ts';

/** One cache line. */
export const HEADER_WORDS = 16;
const FORMAT = 0;
/** Header words with the counters of the era. */
export const KEY_GENERATION = 1;
export const REVOCATION_EPOCH = 2;

/** Changes with the layout: two versions of this library in one process don't read each other's tables. */
const FORMAT_ID = 0x57_57_00_01;

const BUCKET_WORDS = WAYS * SLOT_WORDS;

/** Memory for at least `entries` tokens. */
export function createBuckets(entries: number): SharedArrayBuffer {
  const words = HEADER_WORDS + Math.ceil(entries / WAYS) * BUCKET_WORDS;
  const buffer = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(buffer)[FORMAT] = FORMAT_ID;
  return buffer;
}

/** One thread's view of the buckets. The caller brings the digest of a token, and its length. */
export class SharedBuckets {
  readonly capacity: number;
  stored = 0;
  evicted = 0;
  lostRaces = 0;
  readonly #words: SharedWords;
  readonly #buckets: number;
  // Two copies of entries: one that is looked at, one that is about to be written.
  readonly #copy = new Int32Array(SLOT_WORDS);
  readonly #draft = new Int32Array(SLOT_WORDS);

  /** @throws WatchwordError `config_invalid` for other memory than {@link createBuckets} makes */
  constructor(buffer: SharedArrayBuffer) {
    this.#words = readWords(buffer);
    this.#buckets = (this.#words.length - HEADER_WORDS) / BUCKET_WORDS;
    this.capacity = this.#buckets * WAYS;
  }

  era(): Era {
    const words = this.#words;
    return { keyGeneration: Atomics.load(words, KEY_GENERATION), revocationEpoch: Atomics.load(words, REVOCATION_EPOCH) };
  }

  bump(counter: typeof KEY_GENERATION | typeof REVOCATION_EPOCH): void {
    Atomics.add(this.#words, counter, 1);
  }

  /** Whether there is an entry for the token, alive now. */
  has(digest: Int32Array, length: number, nowMs: number): boolean {
    const era = this.era();
    return this.#bucketsOf(digest).some((bucket) => this.#hasIn(bucket, digest, length, era, nowMs));
  }

  /** Writes an entry for the token, unless there is one that lives as long, or other writers are in the way. */
  store(digest: Int32Array, length: number, expiresAtMs: number, era: Era, nowMs: number): void {
    const draft = this.#draft;
    fillSlot(draft, digest, length, expiresAtMs, era);
    // An era that has ended meanwhile doesn't come back.
    if (nowMs >= expiryOf(draft) || !isSameEra(era, this.era())) return;
    const place = choosePlace(this.#words, this.#bucketsOf(digest), { digest, length, era, nowMs });
    if (place?.owner === 'same' && place.holdsUntilMs >= expiryOf(draft)) return;
    draft[SEQUENCE] = place?.sequence ?? 0;
    if (place === undefined || !writeSlot(this.#words, place.at, draft)) {
      this.lostRaces += 1;
      return;
    }
    this.stored += 1;
    if (place.owner === 'another') this.evicted += 1;
  }

  #hasIn(bucket: number, digest: Int32Array, length: number, era: Era, nowMs: number): boolean {
    for (let at = bucket; at < bucket + BUCKET_WORDS; at += SLOT_WORDS) {
      if (firstDigestWord(this.#words, at) !== digest[0]) continue;
      if (!readSlot(this.#words, at, this.#copy)) this.lostRaces += 1;
      else if (isAbout(this.#copy, digest, length) && isAlive(this.#copy, era, nowMs)) return true;
    }
    return false;
  }

  // Keyed like the digest, so nobody outside can aim at one bucket (D9).
  #bucketsOf(digest: Int32Array): readonly number[] {
    const homes = [digest[0]! ^ digest[3]! ^ digest[6]!, digest[1]! ^ digest[2]! ^ digest[5]!];
    return homes.map((home) => HEADER_WORDS + ((home >>> 0) % this.#buckets) * BUCKET_WORDS);
  }
}

function isSameEra(left: Era, right: Era): boolean {
  return left.keyGeneration === right.keyGeneration && left.revocationEpoch === right.revocationEpoch;
}

function readWords(buffer: SharedArrayBuffer): SharedWords {
  assertConfig(buffer instanceof SharedArrayBuffer, 'sharedTable.handle.buffer: must be a SharedArrayBuffer');
  const bytes = buffer.byteLength - HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT;
  const isWhole = bytes > 0 && bytes % (BUCKET_WORDS * Int32Array.BYTES_PER_ELEMENT) === 0;
  assertConfig(isWhole, 'sharedTable.handle.buffer: is not the memory of a shared table');
  const words = new Int32Array(buffer);
  assertConfig(words[FORMAT] === FORMAT_ID, 'sharedTable.handle.buffer: was made by another version');
  return words;
}
