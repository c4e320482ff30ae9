/** Entries in the order in which they came, by number, with the hand of SIEVE. Flat lists, apart from those that a hit reads. */
import { IntList } from './int-list.ts';

/** No entry. */
export const NONE = -1;

/** A doubly linked list in flat ones. Numbers of removed entries are given out again. */
export class AgeOrder {
  readonly #places = new IntList();
  readonly #older = new IntList();
  readonly #newer = new IntList();
  #newest = NONE;
  #oldest = NONE;
  #hand = NONE;
  /** Numbers to give out again, linked by `#newer`. */
  #free = NONE;
  #used = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Numbers lie below. */
  get capacity(): number {
    return this.#places.length;
  }

  get oldest(): number {
    return this.#oldest;
  }

  /** Where the entry is in the table. */
  placeOf(node: number): number {
    return this.#places.get(node);
  }

  moved(node: number, place: number): void {
    this.#places.set(node, place);
  }

  /** Adds the newest entry. @returns its number */
  push(place: number): number {
    const node = this.#allocate();
    this.#places.set(node, place);
    this.#older.set(node, this.#newest);
    this.#newer.set(node, NONE);
    if (this.#newest === NONE) this.#oldest = node;
    else this.#newer.set(this.#newest, node);
    this.#newest = node;
    this.#size += 1;
    return node;
  }

  remove(node: number): void {
    const older = this.#older.get(node);
    const newer = this.#newer.get(node);
    if (older === NONE) this.#oldest = newer;
    else this.#newer.set(older, newer);
    if (newer === NONE) this.#newest = older;
    else this.#older.set(newer, older);
    if (this.#hand === node) this.#hand = newer;
    this.#newer.set(node, this.#free);
    this.#free = node;
    this.#size -= 1;
  }

  /**
   * SIEVE: the hand walks from the oldest to the newest, spares each entry once for which `spare` says yes, and stops at the first
   * other one. A hit costs no relinking, and a scan of one-time tokens doesn't push out the ones in use.
   */
  victim(spare: (place: number) => boolean): number {
    let node = this.#hand === NONE ? this.#oldest : this.#hand;
    while (spare(this.#places.get(node))) {
      const newer = this.#newer.get(node);
      node = newer === NONE ? this.#oldest : newer;
    }
    this.#hand = node;
    return node;
  }

  #allocate(): number {
    const recycled = this.#free;
    if (recycled !== NONE) {
      this.#free = this.#newer.get(recycled);
      return recycled;
    }
    if (this.#used === this.capacity) for (const list of [this.#places, this.#older, this.#newer]) list.grow(this.#used + FIRST);
    return this.#used++;
  }
}

/** The least that is made place for. Small: most caches are. */
const FIRST = 512;
