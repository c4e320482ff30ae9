/** Numbers of entries by their digests: four bytes each, so that the index of a million tokens nearly fits a processor's cache. */
import { NONE } from './age-order.ts';
import { homeOf } from './token-digest.ts';

/** Where the homes of entries are asked for, when some have to move. */
export interface Homes {
  homeOf(node: number): number;
}

/** Entries that one segment is meant for. To double it takes some 10 ms. */
const SEGMENT_ENTRIES = 98_304;
const LEAST_WORDS = 16;
/** Words of all segments together when they are new. */
const FIRST_WORDS = 2048;
const MOST_FULL = 0.6;
/** The bits of a home from here on choose the segment, those below the word: at most 1024 segments. */
const SEGMENT_SHIFT = 22;

// A word is the number of an entry + 1, and above it some bits of the digest: the record of another token, in cold memory, is seldom
// looked at in vain. 0: no entry.
const NODE_BITS = 25;
const NODE = 2 ** NODE_BITS - 1;

/** The last word of each cache line holds no entry: to write it fetches the line, and nothing has to wait for that. */
const UNUSED = 15;
/** Large typed arrays begin 16 bytes after a cache line. */
const AHEAD = 12;

/** Open addressing with linear probing in segments, each of which grows by doubling: no call has to move all entries. */
export class DigestIndex {
  readonly #homes: Homes;
  readonly #segments: Int32Array[];
  readonly #segmentMask: number;
  readonly #sizes: Int32Array;

  constructor(maxEntries: number, homes: Homes) {
    this.#homes = homes;
    const count = 2 ** Math.ceil(Math.log2(Math.max(1, maxEntries / SEGMENT_ENTRIES)));
    this.#segments = Array.from({ length: count }, () => emptySegment(Math.max(LEAST_WORDS, FIRST_WORDS / count)));
    this.#segmentMask = count - 1;
    this.#sizes = new Int32Array(count);
  }

  /** Begins to fetch from memory what a look-up will read. */
  prefetch(words: Int32Array): void {
    const home = homeOf(words, 0);
    const segment = this.#segments[(home >>> SEGMENT_SHIFT) & this.#segmentMask]!;
    // A read would hold up everything behind it. A write goes on by itself.
    segment[AHEAD + ((home & maskOf(segment)) | UNUSED)] = 0;
  }

  /** The entry that may have this digest, after `nth` others that may; NONE: there is no other. */
  candidate(words: Int32Array, nth: number): number {
    const home = homeOf(words, 0);
    const segment = this.#segments[(home >>> SEGMENT_SHIFT) & this.#segmentMask]!;
    const mask = maskOf(segment);
    const tag = tagOf(words);
    let left = nth;
    for (let at = firstOf(home, mask); ; at = nextOf(at, mask)) {
      const word = segment[AHEAD + at]!;
      if (word === 0) return NONE;
      if ((word & ~NODE) !== tag) continue;
      if (left === 0) return (word & NODE) - 1;
      left -= 1;
    }
  }

  /** Adds an entry whose digest is not there yet. */
  add(node: number, words: Int32Array): void {
    const home = homeOf(words, 0);
    const index = (home >>> SEGMENT_SHIFT) & this.#segmentMask;
    if (this.#sizes[index]! >= MOST_FULL * (maskOf(this.#segments[index]!) + 1)) this.#grow(index);
    this.#sizes[index]! += 1;
    put(this.#segments[index]!, home, tagOf(words) | (node + 1));
  }

  // Linear probing has no gaps between an entry and its home: move back what would be cut off.
  remove(node: number): void {
    const home = this.#homes.homeOf(node);
    const index = (home >>> SEGMENT_SHIFT) & this.#segmentMask;
    const segment = this.#segments[index]!;
    const mask = maskOf(segment);
    let gap = firstOf(home, mask);
    while ((segment[AHEAD + gap]! & NODE) !== node + 1) gap = nextOf(gap, mask);
    for (let at = nextOf(gap, mask); segment[AHEAD + at] !== 0; at = nextOf(at, mask)) {
      const first = firstOf(this.#homes.homeOf((segment[AHEAD + at]! & NODE) - 1), mask);
      if (((at - first) & mask) < ((at - gap) & mask)) continue;
      segment[AHEAD + gap] = segment[AHEAD + at]!;
      gap = at;
    }
    segment[AHEAD + gap] = 0;
    this.#sizes[index]! -= 1;
  }

  #grow(index: number): void {
    const old = this.#segments[index]!;
    const segment = emptySegment(2 * (maskOf(old) + 1));
    for (let at = 0; at <= maskOf(old); at += 1) {
      const word = old[AHEAD + at]!;
      if (word !== 0) put(segment, this.#homes.homeOf((word & NODE) - 1), word);
    }
    this.#segments[index] = segment;
  }
}

function put(segment: Int32Array, home: number, word: number): void {
  const mask = maskOf(segment);
  let at = firstOf(home, mask);
  while (segment[AHEAD + at] !== 0) at = nextOf(at, mask);
  segment[AHEAD + at] = word;
}

function tagOf(words: Int32Array): number {
  return words[1]! << NODE_BITS;
}

function emptySegment(words: number): Int32Array {
  return new Int32Array(AHEAD + words);
}

function maskOf(segment: Int32Array): number {
  return segment.length - AHEAD - 1;
}

function firstOf(home: number, mask: number): number {
  const at = home & mask;
  return (at & UNUSED) === UNUSED ? (at + 1) & mask : at;
}

function nextOf(at: number, mask: number): number {
  return firstOf(at + 1, mask);
}
