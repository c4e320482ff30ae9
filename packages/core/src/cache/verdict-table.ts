/** A bounded hash table from token digests to verdicts, with SIEVE eviction. Flat memory: one cache line for each entry. */
import { DIGEST_WORDS, type TokenDigest } from './token-digest.ts';

// One entry is 16 words, 64 bytes: 8 of digest, then these.
const WORDS = 16;
const LENGTH = 8;
const VISITED = 9;
const OLDER = 10;
const NEWER = 11;
const NONE = -1;
const FIRST_CAPACITY = 1024;

/** Maps digests to verdicts. The caller brings a digest in `TokenDigest.words` and the length of the token. */
export class VerdictTable<Verdict> {
  readonly #maxEntries: number;
  readonly #digest: TokenDigest;
  /** Open addressing with linear probing: entry number + 1, or 0. At most half full. */
  #slots = new Int32Array(2 * FIRST_CAPACITY);
  #entries = new Int32Array(WORDS * FIRST_CAPACITY);
  #verdicts: (Verdict | undefined)[] = [];
  #newest = NONE;
  #oldest = NONE;
  #hand = NONE;
  #free: number[] = [];
  #evictions = 0;
  #size = 0;

  constructor(maxEntries: number, digest: TokenDigest) {
    this.#maxEntries = maxEntries;
    this.#digest = digest;
  }

  get size(): number {
    return this.#size;
  }

  /** Entries that had to make place for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /** The verdict under the current digest. Marks it as used. */
  get(tokenLength: number): Verdict | undefined {
    const slot = this.#findSlot(tokenLength);
    const entry = this.#slots[slot]! - 1;
    if (entry === NONE) return undefined;
    // Read before write: a line that stays clean needs not go back to memory.
    if (this.#entries[entry * WORDS + VISITED] === 0) this.#entries[entry * WORDS + VISITED] = 1;
    return this.#verdicts[entry];
  }

  /** Stores a verdict under the current digest, evicting another if the table is full. */
  set(tokenLength: number, verdict: Verdict): void {
    const known = this.#slots[this.#findSlot(tokenLength)]! - 1;
    if (known !== NONE) {
      this.#verdicts[known] = verdict;
      return;
    }
    const entry = this.#allocate();
    const at = entry * WORDS;
    this.#entries.set(this.#digest.words, at);
    this.#entries[at + LENGTH] = tokenLength;
    this.#entries[at + VISITED] = 0;
    this.#verdicts[entry] = verdict;
    this.#linkNewest(entry);
    this.#slots[this.#findSlot(tokenLength)] = entry + 1;
    this.#size += 1;
  }

  /** Removes the verdict under the current digest. */
  delete(tokenLength: number): void {
    const entry = this.#slots[this.#findSlot(tokenLength)]! - 1;
    if (entry !== NONE) this.#remove(entry);
  }

  /** Removes everything. */
  clear(): void {
    while (this.#oldest !== NONE) this.#remove(this.#oldest);
  }

  // The slot of the current digest, or the empty one where it would go.
  #findSlot(tokenLength: number): number {
    const { words } = this.#digest;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = homeOf(words, 0) & mask;
    for (let entry = slots[slot]! - 1; entry !== NONE; entry = slots[slot]! - 1) {
      if (this.#matches(entry * WORDS, words, tokenLength)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #matches(at: number, words: Int32Array, tokenLength: number): boolean {
    const entries = this.#entries;
    // The length is part of the key: the bound on collisions holds among tokens of one length.
    if (entries[at + LENGTH] !== tokenLength) return false;
    for (let word = 0; word < DIGEST_WORDS; word += 1) if (entries[at + word] !== words[word]) return false;
    return true;
  }

  #allocate(): number {
    if (this.#size >= this.#maxEntries) this.#remove(this.#victim());
    const recycled = this.#free.pop();
    if (recycled !== undefined) return recycled;
    if ((this.#size + 1) * WORDS > this.#entries.length) this.#grow();
    return this.#size;
  }

  // SIEVE: the hand walks from the oldest to the newest, spares each visited entry once, and takes the first other one. A hit
  // costs no relinking, and a scan of one-time tokens doesn't push out the ones in use.
  #victim(): number {
    this.#evictions += 1;
    const entries = this.#entries;
    let entry = this.#hand === NONE ? this.#oldest : this.#hand;
    while (entries[entry * WORDS + VISITED] === 1) {
      entries[entry * WORDS + VISITED] = 0;
      const newer = entries[entry * WORDS + NEWER]!;
      entry = newer === NONE ? this.#oldest : newer;
    }
    this.#hand = entry;
    return entry;
  }

  #remove(entry: number): void {
    const at = entry * WORDS;
    this.#unlink(at, entry);
    this.#closeGap(this.#slotOf(entry));
    this.#verdicts[entry] = undefined;
    this.#free.push(entry);
    this.#size -= 1;
  }

  #linkNewest(entry: number): void {
    const entries = this.#entries;
    entries[entry * WORDS + OLDER] = this.#newest;
    entries[entry * WORDS + NEWER] = NONE;
    if (this.#newest === NONE) this.#oldest = entry;
    else entries[this.#newest * WORDS + NEWER] = entry;
    this.#newest = entry;
  }

  #unlink(at: number, entry: number): void {
    const entries = this.#entries;
    const older = entries[at + OLDER]!;
    const newer = entries[at + NEWER]!;
    if (older === NONE) this.#oldest = newer;
    else entries[older * WORDS + NEWER] = newer;
    if (newer === NONE) this.#newest = older;
    else entries[newer * WORDS + OLDER] = older;
    if (this.#hand === entry) this.#hand = newer;
  }

  #slotOf(entry: number): number {
    const mask = this.#slots.length - 1;
    let slot = homeOf(this.#entries, entry * WORDS) & mask;
    while (this.#slots[slot] !== entry + 1) slot = (slot + 1) & mask;
    return slot;
  }

  // Linear probing has no gaps between an entry and its home: move back what would be cut off.
  #closeGap(start: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = start;
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = homeOf(this.#entries, (slots[slot]! - 1) * WORDS) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot]!;
      gap = slot;
    }
    slots[gap] = 0;
  }

  #grow(): void {
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (const occupied of this.#slots) {
      if (occupied === 0) continue;
      let slot = homeOf(entries, (occupied - 1) * WORDS) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = occupied;
    }
    this.#slots = slots;
  }
}

/** Where a digest's probing begins. Keyed like the digest itself, so nobody outside can aim at one slot (D9). */
export function homeOf(words: Int32Array, at: number): number {
  return words[at]! ^ words[at + 3]! ^ words[at + 6]!;
}
