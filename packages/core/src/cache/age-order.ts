/** Entries in the order in which they came, by number, with the hand of SIEVE. Flat arrays, apart from those that a hit reads. */

/** No entry. */
export const NONE = -1;

/** A doubly linked list in arrays. Numbers of removed entries are given out again. */
export class AgeOrder {
  #slots: Int32Array;
  #older: Int32Array;
  #newer: Int32Array;
  #newest = NONE;
  #oldest = NONE;
  #hand = NONE;
  /** Numbers to give out again, linked by `#newer`. */
  #free = NONE;
  #used = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#slots = new Int32Array(capacity);
    this.#older = new Int32Array(capacity);
    this.#newer = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  get capacity(): number {
    return this.#slots.length;
  }

  get oldest(): number {
    return this.#oldest;
  }

  /** Where the entry is in the table. */
  slotOf(node: number): number {
    return this.#slots[node]!;
  }

  moved(node: number, slot: number): void {
    this.#slots[node] = slot;
  }

  /** Adds the newest entry. @returns its number */
  push(slot: number): number {
    const node = this.#allocate();
    this.#slots[node] = slot;
    this.#older[node] = this.#newest;
    this.#newer[node] = NONE;
    if (this.#newest === NONE) this.#oldest = node;
    else this.#newer[this.#newest] = node;
    this.#newest = node;
    this.#size += 1;
    return node;
  }

  remove(node: number): void {
    const older = this.#older[node]!;
    const newer = this.#newer[node]!;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    if (this.#hand === node) this.#hand = newer;
    this.#newer[node] = this.#free;
    this.#free = node;
    this.#size -= 1;
  }

  /**
   * SIEVE: the hand walks from the oldest to the newest, spares each entry once for which `spare` says yes, and stops at the first
   * other one. A hit costs no relinking, and a scan of one-time tokens doesn't push out the ones in use.
   */
  victim(spare: (slot: number) => boolean): number {
    let node = this.#hand === NONE ? this.#oldest : this.#hand;
    while (spare(this.#slots[node]!)) {
      const newer = this.#newer[node]!;
      node = newer === NONE ? this.#oldest : newer;
    }
    this.#hand = node;
    return node;
  }

  grow(capacity: number): void {
    this.#slots = grown(this.#slots, capacity);
    this.#older = grown(this.#older, capacity);
    this.#newer = grown(this.#newer, capacity);
  }

  #allocate(): number {
    const recycled = this.#free;
    if (recycled === NONE) return this.#used++;
    this.#free = this.#newer[recycled]!;
    return recycled;
  }
}

/** A longer copy. */
export function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}
