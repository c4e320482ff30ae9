/**
 * One entry of the table that threads share: a sequence lock over fourteen words. Nobody waits for anybody: a reader that meets a
 * writer learns nothing, a writer that meets another gives up.
 */
import { DIGEST_WORDS } from './token-digest.ts';

/** Memory that several threads see. All access to it is atomic. */
export type SharedWords = Int32Array<SharedArrayBuffer>;

/** What every entry of its time was made under. An entry of another era is dead. */
export interface Era {
  /** Counts removals of keys. */
  readonly keyGeneration: number;
  /** Counts revocations of keys, and fresh starts of a revocation log. */
  readonly revocationEpoch: number;
}

/** 32-bit words of an entry: 56 bytes. With the header that stays within 64 bytes for each token. */
export const SLOT_WORDS = 14;

/** Odd while a writer is at it. 0: never written. */
export const SEQUENCE = 0;
const EXPIRES = 1;
const KEY_GENERATION = 2;
const REVOCATION_EPOCH = 3;
const LENGTH = 4;
const DIGEST = 5;
const CHECK = 13;

/** Copies the entry at `at` as one writer left it. @returns false if there is a writer at it; then the copy means nothing */
export function readSlot(words: SharedWords, at: number, copy: Int32Array): boolean {
  const sequence = Atomics.load(words, at);
  copy[SEQUENCE] = sequence;
  if ((sequence & 1) === 1) return false;
  for (let word = 1; word < SLOT_WORDS; word += 1) copy[word] = Atomics.load(words, at + word);
  return Atomics.load(words, at) === sequence;
}

/**
 * Replaces the entry at `at`, which the caller has read when its sequence was `draft[SEQUENCE]`.
 *
 * A thread that is killed in here leaves the entry claimed for good. That is a loss of 56 bytes, and on purpose not more: nobody
 * can tell a dead writer from a slow one, so taking over its entry could mix the words of two.
 * @returns false if another writer was faster
 */
export function writeSlot(words: SharedWords, at: number, draft: Int32Array): boolean {
  const before = draft[SEQUENCE]!;
  if (Atomics.compareExchange(words, at, before, before | 1) !== before) return false;
  draft[SEQUENCE] = before + 2;
  draft[CHECK] = checkOf(draft);
  for (let word = 1; word < SLOT_WORDS; word += 1) Atomics.store(words, at + word, draft[word]!);
  Atomics.store(words, at, draft[SEQUENCE]);
  return true;
}

/** Fills all of `draft` but its sequence. The expiry is rounded down to whole seconds. */
export function fillSlot(draft: Int32Array, digest: Int32Array, length: number, expiresAtMs: number, era: Era): void {
  draft[EXPIRES] = Math.min(Math.floor(expiresAtMs / 1000), LATEST);
  draft[KEY_GENERATION] = era.keyGeneration;
  draft[REVOCATION_EPOCH] = era.revocationEpoch;
  draft[LENGTH] = length;
  draft.set(digest, DIGEST);
}

/** Whether a copied entry is about this token. */
export function isAbout(copy: Int32Array, digest: Int32Array, length: number): boolean {
  // The length is part of the key: the bound on collisions holds among texts of one length.
  if (copy[LENGTH] !== length) return false;
  for (let word = 0; word < DIGEST_WORDS; word += 1) if (copy[DIGEST + word] !== digest[word]) return false;
  return true;
}

/** Whether a copied entry counts: whole, not expired, of this era. */
export function isAlive(copy: Int32Array, era: Era, nowMs: number): boolean {
  return (
    nowMs < expiryOf(copy) &&
    copy[KEY_GENERATION] === era.keyGeneration &&
    copy[REVOCATION_EPOCH] === era.revocationEpoch &&
    copy[CHECK] === checkOf(copy)
  );
}

/** When a copied entry expires, in Unix milliseconds. */
export function expiryOf(copy: Int32Array): number {
  return (copy[EXPIRES]! >>> 0) * 1000;
}

/** The first word of the digest at `at`: tells most other tokens apart with one load. */
export function firstDigestWord(words: SharedWords, at: number): number {
  return Atomics.load(words, at + DIGEST);
}

/** In the year 2106, as far as 32 bits reach. */
const LATEST = 2 ** 32 - 1;

// The second lock on the door: should words of two entries ever get mixed, the check over all of them fails. Each step is a
// bijection of the word that goes in, so one wrong word is found with certainty, and a mixture but for one time in 2^32.
function checkOf(slot: Int32Array): number {
  let sum = 0x5bd1e995;
  for (let word = 0; word < CHECK; word += 1) {
    sum = Math.imul(sum ^ slot[word]!, 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  return sum | 0;
}
