/** One part of the table of verdicts: open addressing with linear probing in flat memory, one cache line for each slot. */
import { type AgeOrder, NONE } from './age-order.ts';
import { DIGEST_WORDS, homeOf } from './token-digest.ts';

/** Numbers that can be kept beside a verdict. */
export const NOTE_WORDS = 4;

// One slot is 16 words, 64 bytes: 8 of digest, then these. A hit waits for memory once: slot and verdict's address are both known
// from the beginning of the digest alone, and the verdict itself is the user's to read.
const WORDS = 16;
const LENGTH = 8;
const VISITED = 9;
/** Number of the entry + 1; 0: the slot is empty. */
const NODE = 10;
const NOTES = 11;
/** Written and never read: see {@link VerdictSegment.prefetch}. */
const UNUSED = 15;
/** Large typed arrays begin 16 bytes after a cache line. With so many words in front of it the first slot begins one. */
const AHEAD = 12;
/** Verdicts in one cache line of their list, and beside them, as above, a place that nobody reads. */
const VERDICTS = 7;
/** The elements of a long list begin, in V8, in the middle of a cache line. After so many the next one begins. */
const VERDICTS_AHEAD = 4;

/** Maps digests to verdicts, and grows by doubling. */
export class VerdictSegment<Verdict> {
  readonly #order: AgeOrder;
  readonly #index: number;
  readonly #segments: number;
  #slots: Int32Array;
  /** By slot, not by number of the entry, so that both are read at once. */
  #verdicts: (Verdict | 0 | undefined)[];
  #mask: number;
  #size = 0;
  readonly #mostFull: number;

  /** @param order is told where entries are @param index among `segments` @param mostFull share of the slots */
  constructor(order: AgeOrder, index: number, segments: number, slots: number, mostFull: number) {
    this.#order = order;
    this.#index = index;
    this.#segments = segments;
    this.#slots = emptySlots(slots);
    this.#verdicts = emptyList<Verdict>(slots);
    this.#mask = slots - 1;
    this.#mostFull = mostFull;
  }

  /**
   * Begins to fetch from memory what a look-up will read. A read would hold up everything behind it until it is there; a write goes
   * on by itself.
   */
  prefetch(home: number): void {
    const slot = home & this.#mask;
    this.#slots[AHEAD + slot * WORDS + UNUSED] = 0;
    this.#verdicts[VERDICTS_AHEAD + lineOf(slot) * (VERDICTS + 1) + VERDICTS] = 0;
  }

  /** The slot of a digest, or the empty one where it would go. */
  find(words: Int32Array, tokenLength: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = homeOf(words, 0) & mask;
    for (;;) {
      const at = AHEAD + slot * WORDS;
      if (slots[at + NODE] === 0 || matches(slots, at, words, tokenLength)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** The number of the entry in a slot; NONE: it is empty. */
  nodeAt(slot: number): number {
    return this.#slots[AHEAD + slot * WORDS + NODE]! - 1;
  }

  /** The verdict of a digest with this home, and in `notes` what is noted beside it. Marks it as used. */
  get(home: number, words: Int32Array, tokenLength: number, notes: Int32Array): Verdict | undefined {
    const slots = this.#slots;
    const verdicts = this.#verdicts;
    const mask = this.#mask;
    for (let slot = home & mask; ; slot = (slot + 1) & mask) {
      // First of all, and not where it is needed: a processor looks ahead for some 200 instructions only, and would begin to wait
      // for the verdict's address when the wait for the slot is over.
      const verdict = verdicts[placeOf(slot)] as Verdict | undefined;
      if (verdict === undefined) return undefined;
      const at = AHEAD + slot * WORDS;
      if (!matches(slots, at, words, tokenLength)) continue;
      // Read before write: a line that stays clean needs not go back to memory.
      if (slots[at + VISITED] === 0) slots[at + VISITED] = 1;
      notes[0] = slots[at + NOTES]!;
      notes[1] = slots[at + NOTES + 1]!;
      notes[2] = slots[at + NOTES + 2]!;
      notes[3] = slots[at + NOTES + 3]!;
      return verdict;
    }
  }

  verdictAt(slot: number): Verdict {
    return this.#verdicts[placeOf(slot)] as Verdict;
  }

  /** Puts another verdict into a slot, with nothing noted. */
  replace(slot: number, verdict: Verdict): void {
    this.#verdicts[placeOf(slot)] = verdict;
    this.#slots.fill(0, AHEAD + slot * WORDS + NOTES, AHEAD + slot * WORDS + NOTES + NOTE_WORDS);
  }

  note(slot: number, notes: Int32Array): void {
    this.#slots.set(notes, AHEAD + slot * WORDS + NOTES);
  }

  /** Whether the slot was used since this was last asked. */
  wasVisited(slot: number): boolean {
    const at = AHEAD + slot * WORDS + VISITED;
    const wasVisited = this.#slots[at] === 1;
    if (wasVisited) this.#slots[at] = 0;
    return wasVisited;
  }

  /** Adds a verdict whose digest is not there yet. @returns the number of the entry */
  insert(words: Int32Array, tokenLength: number, verdict: Verdict): number {
    if (this.#size >= this.#mostFull * (this.#mask + 1)) this.#grow();
    this.#size += 1;
    const slot = this.find(words, tokenLength);
    const node = this.#order.push(this.#numberOf(slot));
    const at = AHEAD + slot * WORDS;
    this.#slots.set(words, at);
    this.#slots[at + LENGTH] = tokenLength;
    this.#slots[at + VISITED] = 0;
    this.#slots[at + NODE] = node + 1;
    this.replace(slot, verdict);
    return node;
  }

  // Linear probing has no gaps between an entry and its home: move back what would be cut off.
  remove(start: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = start;
    for (let slot = (gap + 1) & mask; this.nodeAt(slot) !== NONE; slot = (slot + 1) & mask) {
      const home = homeOf(slots, AHEAD + slot * WORDS) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#move(slot, gap);
      gap = slot;
    }
    slots[AHEAD + gap * WORDS + NODE] = 0;
    this.#verdicts[placeOf(gap)] = undefined;
    this.#size -= 1;
  }

  #numberOf(slot: number): number {
    return slot * this.#segments + this.#index;
  }

  #move(from: number, to: number): void {
    const at = AHEAD + from * WORDS;
    this.#slots.copyWithin(AHEAD + to * WORDS, at, at + WORDS);
    this.#verdicts[placeOf(to)] = this.#verdicts[placeOf(from)];
    this.#order.moved(this.nodeAt(to), this.#numberOf(to));
  }

  #grow(): void {
    const [slots, verdicts, count] = [this.#slots, this.#verdicts, this.#mask + 1];
    this.#slots = emptySlots(2 * count);
    this.#verdicts = emptyList<Verdict>(2 * count);
    this.#mask = 2 * count - 1;
    for (let slot = 0; slot < count; slot += 1) {
      const at = AHEAD + slot * WORDS;
      if (slots[at + NODE] !== 0) this.#rehouse(slots.subarray(at, at + WORDS), verdicts[placeOf(slot)] as Verdict);
    }
  }

  #rehouse(old: Int32Array, verdict: Verdict): void {
    let slot = homeOf(old, 0) & this.#mask;
    while (this.nodeAt(slot) !== NONE) slot = (slot + 1) & this.#mask;
    this.#slots.set(old, AHEAD + slot * WORDS);
    this.#verdicts[placeOf(slot)] = verdict;
    this.#order.moved(this.nodeAt(slot), this.#numberOf(slot));
  }
}

function matches(slots: Int32Array, at: number, words: Int32Array, tokenLength: number): boolean {
  // The length is part of the key: the bound on collisions holds among tokens of one length.
  let difference = slots[at + LENGTH]! ^ tokenLength;
  for (let word = 0; word < DIGEST_WORDS; word += 1) difference |= slots[at + word]! ^ words[word]!;
  return difference === 0;
}

function emptySlots(count: number): Int32Array {
  return new Int32Array(AHEAD + WORDS * count);
}

function emptyList<Item>(slots: number): (Item | 0 | undefined)[] {
  // Not `Array.from`, which would visit each of thousands of places.
  const list: (Item | 0 | undefined)[] = [];
  list.length = placeOf(slots + VERDICTS);
  return list;
}

/** Where the verdict of a slot is in the list. */
function placeOf(slot: number): number {
  return VERDICTS_AHEAD + slot + lineOf(slot);
}

function lineOf(slot: number): number {
  return (slot / VERDICTS) | 0;
}
