/** A bounded hash table from token digests to verdicts, with SIEVE eviction. Flat memory: one cache line for each slot. */
import { AgeOrder, NONE } from './age-order.ts';
import { DIGEST_WORDS, type TokenDigest } from './token-digest.ts';

/** Hears of each verdict that comes and goes, under a number that stays the same in between. */
export interface TableObserver<Verdict> {
  added(node: number, verdict: Verdict): void;
  removed(node: number): void;
  /** Numbers lie below `capacity` from now on. */
  grown(capacity: number): void;
}

// One slot is 16 words, 64 bytes: 8 of digest, then these. A hit waits for memory twice: for the slot together with the verdict's
// address, both known from the digest alone, and for the verdict. It reads the first 48 bytes of the slot, one cache line, since
// large typed arrays begin 16 bytes after one.
const WORDS = 16;
const LENGTH = 8;
const VISITED = 9;
/** Number of the entry + 1; 0: the slot is empty. */
const NODE = 10;
const FIRST_SLOTS = 2048;
const MOST_FULL = 0.75;

/** Maps digests to verdicts. The caller brings a digest in `TokenDigest.words` and the length of the token. */
export class VerdictTable<Verdict> {
  readonly #maxEntries: number;
  readonly #digest: TokenDigest;
  readonly #observer: TableObserver<Verdict> | undefined;
  /** Open addressing with linear probing. */
  #slots = new Int32Array(WORDS * FIRST_SLOTS);
  /** By slot, not by number, so that both are read at once. */
  #verdicts = emptyList<Verdict>(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  /** Knows the slot of each entry and its age. A hit never looks at it. */
  readonly #order = new AgeOrder(FIRST_SLOTS * MOST_FULL);
  #evictions = 0;

  constructor(maxEntries: number, digest: TokenDigest, observer?: TableObserver<Verdict>) {
    this.#maxEntries = maxEntries;
    this.#digest = digest;
    this.#observer = observer;
    observer?.grown(this.#order.capacity);
  }

  get size(): number {
    return this.#order.size;
  }

  /** Entries that had to make place for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /** The verdict under the current digest. Marks it as used. */
  get(tokenLength: number): Verdict | undefined {
    const slot = this.#findSlot(tokenLength);
    const slots = this.#slots;
    const at = slot * WORDS;
    if (slots[at + NODE] === 0) return undefined;
    // Read before write: a line that stays clean needs not go back to memory.
    if (slots[at + VISITED] === 0) slots[at + VISITED] = 1;
    return this.#verdicts[slot];
  }

  /** The verdict with a number that the observer was given. */
  at(node: number): Verdict {
    return this.#verdicts[this.#order.slotOf(node)]!;
  }

  /** Stores a verdict under the current digest, evicting another if the table is full. */
  set(tokenLength: number, verdict: Verdict): void {
    const known = this.#findSlot(tokenLength);
    const node = this.#slots[known * WORDS + NODE]! - 1;
    if (node === NONE) {
      this.#insert(tokenLength, verdict);
      return;
    }
    this.#observer?.removed(node);
    this.#verdicts[known] = verdict;
    this.#observer?.added(node, verdict);
  }

  /** Removes the verdict under the current digest. */
  delete(tokenLength: number): void {
    const node = this.#slots[this.#findSlot(tokenLength) * WORDS + NODE]! - 1;
    if (node !== NONE) this.remove(node);
  }

  /** Removes the verdict with a number. */
  remove(node: number): void {
    const slot = this.#order.slotOf(node);
    this.#order.remove(node);
    this.#closeGap(slot);
    this.#observer?.removed(node);
  }

  /** Removes the least useful verdict. There must be one. */
  evict(): void {
    const slots = this.#slots;
    const victim = this.#order.victim((slot) => {
      const wasVisited = slots[slot * WORDS + VISITED] === 1;
      if (wasVisited) slots[slot * WORDS + VISITED] = 0;
      return wasVisited;
    });
    this.#evictions += 1;
    this.remove(victim);
  }

  /** Removes everything. */
  clear(): void {
    while (this.size > 0) this.remove(this.#order.oldest);
  }

  #insert(tokenLength: number, verdict: Verdict): void {
    if (this.size >= this.#maxEntries) this.evict();
    if (this.size >= this.#order.capacity) this.#grow();
    const slot = this.#findSlot(tokenLength);
    const at = slot * WORDS;
    const node = this.#order.push(slot);
    this.#slots.set(this.#digest.words, at);
    this.#slots[at + LENGTH] = tokenLength;
    this.#slots[at + VISITED] = 0;
    this.#slots[at + NODE] = node + 1;
    this.#verdicts[slot] = verdict;
    this.#observer?.added(node, verdict);
  }

  // The slot of the current digest, or the empty one where it would go.
  #findSlot(tokenLength: number): number {
    const { words } = this.#digest;
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = homeOf(words, 0) & mask;
    while (slots[slot * WORDS + NODE] !== 0 && !matches(slots, slot * WORDS, words, tokenLength)) slot = (slot + 1) & mask;
    return slot;
  }

  // Linear probing has no gaps between an entry and its home: move back what would be cut off.
  #closeGap(start: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = start;
    for (let slot = (gap + 1) & mask; slots[slot * WORDS + NODE] !== 0; slot = (slot + 1) & mask) {
      const home = homeOf(slots, slot * WORDS) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#move(slot, gap);
      gap = slot;
    }
    slots[gap * WORDS + NODE] = 0;
    this.#verdicts[gap] = undefined;
  }

  #move(from: number, to: number): void {
    const slots = this.#slots;
    slots.copyWithin(to * WORDS, from * WORDS, from * WORDS + WORDS);
    this.#verdicts[to] = this.#verdicts[from];
    this.#order.moved(slots[to * WORDS + NODE]! - 1, to);
  }

  // All at once, whenever 3/4 of the slots are taken: a pause, observers included, of about 10 ms at 10,000 entries, 50 ms at 100,000
  // and 0.4 s at 800,000 on a busy machine. A table that has grown once doesn't shrink, so it comes while it first fills.
  #grow(): void {
    const [slots, verdicts] = [this.#slots, this.#verdicts];
    const count = 2 * verdicts.length;
    this.#slots = new Int32Array(WORDS * count);
    this.#verdicts = emptyList<Verdict>(count);
    this.#mask = count - 1;
    this.#order.grow(count * MOST_FULL);
    for (let slot = 0; slot < verdicts.length; slot += 1) {
      if (slots[slot * WORDS + NODE] !== 0) this.#rehouse(slots, slot * WORDS, verdicts[slot]!);
    }
    this.#observer?.grown(this.#order.capacity);
  }

  #rehouse(old: Int32Array, from: number, verdict: Verdict): void {
    const slots = this.#slots;
    let slot = homeOf(old, from) & this.#mask;
    while (slots[slot * WORDS + NODE] !== 0) slot = (slot + 1) & this.#mask;
    for (let word = 0; word <= NODE; word += 1) slots[slot * WORDS + word] = old[from + word]!;
    this.#verdicts[slot] = verdict;
    this.#order.moved(old[from + NODE]! - 1, slot);
  }
}

/** Where a digest's probing begins. Keyed like the digest itself, so nobody outside can aim at one slot (D9). */
export function homeOf(words: Int32Array, at: number): number {
  return words[at]! ^ words[at + 3]! ^ words[at + 6]!;
}

function matches(slots: Int32Array, at: number, words: Int32Array, tokenLength: number): boolean {
  // The length is part of the key: the bound on collisions holds among tokens of one length.
  if (slots[at + LENGTH] !== tokenLength) return false;
  for (let word = 0; word < DIGEST_WORDS; word += 1) if (slots[at + word] !== words[word]) return false;
  return true;
}

function emptyList<Item>(length: number): (Item | undefined)[] {
  // Not `Array.from`, which would visit each of millions of places.
  const list: (Item | undefined)[] = [];
  list.length = length;
  return list;
}
