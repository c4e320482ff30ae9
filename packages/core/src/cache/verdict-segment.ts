/** One part of the table of verdicts: open addressing with linear probing in flat memory, one cache line for each slot. */
import { type AgeOrder, NONE } from './age-order.ts';
import { BRIEF_WORDS, homeOf } from './token-digest.ts';

/** Numbers that can be kept beside a verdict; the last one is below {@link LAST_NOTE_LIMIT} and not negative. */
export const NOTE_WORDS = 3;
/** See {@link NOTE_WORDS}. */
export const LAST_NOTE_LIMIT: number = 2 ** 16;

// One slot is 8 words, 32 bytes: 4 of digest, then these. A hit waits for memory once, for the slot and for the verdict's address at
// the same time, both known from the beginning of the digest alone; the verdict itself is the user's to read. Slots are as small as
// can be, because most of that wait is for the page table, of which a smaller table needs less.
const WORDS = 8;
/** Two of the numbers. */
const NOTES = 4;
/** Length of the token, the last of the numbers, and whether the slot was used. */
const MIXED = 6;
const LENGTH_BITS = 15;
const LENGTH_MASK = 2 ** LENGTH_BITS - 1;
const VISITED = 1 << 31;
/** Written and never read: see {@link VerdictSegment.prefetch}. */
const UNUSED = 7;
/** Verdicts in one cache line of their list, and beside them, as above, a place that nobody reads. */
const VERDICTS = 7;
/** The elements of a long list begin, in V8, in the middle of a cache line. After so many the next one begins. */
const VERDICTS_AHEAD = 4;
/** Share of the slots in use beyond which a segment leaves its part of the memory that all segments have in common. */
const CROWDED = 0.8;

/** Memory of the slots of some segments, in one piece: where the system gives pages of 2 MB, it gives them to large pieces only. */
export class SlotMemory {
  readonly #slots: number;
  readonly #buffer: ArrayBuffer;

  /** @param slots of each segment. Nothing of it is in use, and none of it is real memory, until a segment writes to it. */
  constructor(segments: number, slots: number) {
    this.#slots = slots;
    // Large buffers begin 16 bytes after a cache line. With as many in front of it no slot is in two lines.
    this.#buffer = new ArrayBuffer(16 + 4 * WORDS * slots * segments);
  }

  /** The part of one segment. */
  partOf(segment: number): Int32Array {
    const words = WORDS * this.#slots;
    return new Int32Array(this.#buffer, 16 + 4 * words * segment, words);
  }
}

/** Maps digests to verdicts, and grows by doubling. */
export class VerdictSegment<Verdict> {
  readonly #order: AgeOrder;
  readonly #index: number;
  readonly #segments: number;
  #slots: Int32Array;
  /** By slot, not by number of the entry, so that both are read at once. */
  #verdicts: (Verdict | 0 | undefined)[];
  /** By slot: number of the entry + 1; 0: the slot is empty. A hit never looks at it. */
  #nodes: Int32Array;
  #mask: number;
  #size = 0;
  readonly #mostFull: number;

  /** @param order is told where entries are @param index among `segments` @param memory zeros @param mostFull share of the slots */
  constructor(order: AgeOrder, index: number, segments: number, memory: Int32Array, slots: number, mostFull: number) {
    this.#order = order;
    this.#index = index;
    this.#segments = segments;
    this.#slots = memory;
    this.#verdicts = emptyList<Verdict>(slots);
    this.#nodes = new Int32Array(slots);
    this.#mask = slots - 1;
    this.#mostFull = mostFull;
  }

  /**
   * Begins to fetch from memory what a look-up will read. A read would hold up everything behind it until it is there; a write goes
   * on by itself.
   */
  prefetch(home: number): void {
    const slot = home & this.#mask;
    this.#slots[slot * WORDS + UNUSED] = 0;
    this.#verdicts[VERDICTS_AHEAD + lineOf(slot) * (VERDICTS + 1) + VERDICTS] = 0;
  }

  /** The slot of a digest, or the empty one where it would go. */
  find(words: Int32Array, tokenLength: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = firstOf(homeOf(words, 0), mask);
    for (;;) {
      if (this.#nodes[slot] === 0 || matches(slots, slot * WORDS, words, tokenLength)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** The number of the entry in a slot; NONE: it is empty. */
  nodeAt(slot: number): number {
    return this.#nodes[slot]! - 1;
  }

  /** The verdict of a digest with this home, and in `notes` what is noted beside it. Marks it as used. */
  get(home: number, words: Int32Array, tokenLength: number, notes: Int32Array): Verdict | undefined {
    const slots = this.#slots;
    const verdicts = this.#verdicts;
    const mask = this.#mask;
    for (let slot = firstOf(home, mask); ; slot = (slot + 1) & mask) {
      // First of all, and not where it is needed: a processor looks ahead for some 200 instructions only, and would begin to wait
      // for the verdict's address when the wait for the slot is over.
      const verdict = verdicts[placeOf(slot)] as Verdict | undefined;
      if (verdict === undefined) return undefined;
      const at = slot * WORDS;
      if (!matches(slots, at, words, tokenLength)) continue;
      const mixed = slots[at + MIXED]!;
      // Read before write: a line that stays clean needs not go back to memory.
      if (mixed >= 0) slots[at + MIXED] = mixed | VISITED;
      notes[0] = slots[at + NOTES]!;
      notes[1] = slots[at + NOTES + 1]!;
      notes[2] = (mixed >>> LENGTH_BITS) & (LAST_NOTE_LIMIT - 1);
      return verdict;
    }
  }

  verdictAt(slot: number): Verdict {
    return this.#verdicts[placeOf(slot)] as Verdict;
  }

  /** Puts another verdict into a slot, with nothing noted. */
  replace(slot: number, verdict: Verdict): void {
    this.#verdicts[placeOf(slot)] = verdict;
    this.note(slot, NOTHING);
  }

  note(slot: number, notes: Int32Array): void {
    const at = slot * WORDS;
    for (let index = 0; index < NOTE_WORDS - 1; index += 1) this.#slots[at + NOTES + index] = notes[index]!;
    this.#slots[at + MIXED] = (this.#slots[at + MIXED]! & (LENGTH_MASK | VISITED)) | (notes[NOTE_WORDS - 1]! << LENGTH_BITS);
  }

  /** Whether the slot was used since this was last asked. */
  wasVisited(slot: number): boolean {
    const at = slot * WORDS + MIXED;
    const wasVisited = this.#slots[at]! < 0;
    if (wasVisited) this.#slots[at]! &= ~VISITED;
    return wasVisited;
  }

  /** Adds a verdict whose digest is not there yet. @returns the number of the entry */
  insert(words: Int32Array, tokenLength: number, verdict: Verdict): number {
    if (this.#isFull()) this.#grow();
    this.#size += 1;
    const slot = this.find(words, tokenLength);
    const node = this.#order.push(this.#numberOf(slot));
    const at = slot * WORDS;
    this.#slots.set(words, at);
    this.#slots[at + MIXED] = tokenLength;
    this.#nodes[slot] = node + 1;
    this.replace(slot, verdict);
    return node;
  }

  // Linear probing has no gaps between an entry and its home: move back what would be cut off.
  remove(start: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = start;
    for (let slot = (gap + 1) & mask; this.nodeAt(slot) !== NONE; slot = (slot + 1) & mask) {
      const home = firstOf(homeOf(slots, slot * WORDS), mask);
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#move(slot, gap);
      gap = slot;
    }
    this.#nodes[gap] = 0;
    this.#verdicts[placeOf(gap)] = undefined;
    this.#size -= 1;
  }

  #numberOf(slot: number): number {
    return slot * this.#segments + this.#index;
  }

  #move(from: number, to: number): void {
    const at = from * WORDS;
    this.#slots.copyWithin(to * WORDS, at, at + WORDS);
    this.#settle(to, this.#nodes[from]!, this.verdictAt(from));
  }

  #settle(slot: number, node: number, verdict: Verdict): void {
    this.#nodes[slot] = node;
    this.#verdicts[placeOf(slot)] = verdict;
    this.#order.moved(node - 1, this.#numberOf(slot));
  }

  #isFull(): boolean {
    const slots = this.#mask + 1;
    return this.#size >= slots * (slots * WORDS < this.#slots.length ? this.#mostFull : CROWDED);
  }

  #grow(): void {
    const [verdicts, nodes, count] = [this.#verdicts, this.#nodes, this.#mask + 1];
    const slots = this.#slots.slice(0, count * WORDS);
    if (this.#slots.length >= 2 * slots.length) this.#slots.fill(0, 0, slots.length);
    else this.#slots = new Int32Array(2 * slots.length);
    this.#verdicts = emptyList<Verdict>(2 * count);
    this.#nodes = new Int32Array(2 * count);
    this.#mask = 2 * count - 1;
    for (let old = 0; old < count; old += 1) {
      if (nodes[old] === 0) continue;
      const at = old * WORDS;
      let slot = firstOf(homeOf(slots, at), this.#mask);
      while (this.#nodes[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots.set(slots.subarray(at, at + WORDS), slot * WORDS);
      this.#settle(slot, nodes[old]!, verdicts[placeOf(old)] as Verdict);
    }
  }
}

// The first slot of a cache line: the second one costs nothing then, and the next line is seldom needed.
function firstOf(home: number, mask: number): number {
  return home & mask & ~1;
}

const NOTHING = new Int32Array(NOTE_WORDS);

function matches(slots: Int32Array, at: number, words: Int32Array, tokenLength: number): boolean {
  // The length is part of the key: the bound on collisions holds among tokens of one length.
  let difference = (slots[at + MIXED]! & LENGTH_MASK) ^ tokenLength;
  for (let word = 0; word < BRIEF_WORDS; word += 1) difference |= slots[at + word]! ^ words[word]!;
  return difference === 0;
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
