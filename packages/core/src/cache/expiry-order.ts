/** Entries by number, in the order in which they expire: a binary heap in flat lists, 12 bytes for each entry. */
import { NONE } from './age-order.ts';
import { IntList } from './int-list.ts';

const NEVER = 2 ** 31 - 1;

/** Knows the entry that expires first. */
export class ExpiryOrder {
  /** Numbers of entries; those below place p are at 2p + 1 and 2p + 2. */
  readonly #heap = new IntList();
  /** By number. */
  readonly #places = new IntList();
  readonly #seconds = new IntList();
  #size = 0;

  /** The entry that expires first; NONE: there is no entry. */
  get first(): number {
    return this.#size === 0 ? NONE : this.#heap.get(0);
  }

  /** The Unix second by which it has expired; Infinity: there is no entry that ever does. */
  get firstSecond(): number {
    const second = this.#size === 0 ? NEVER : this.#secondAt(0);
    return second === NEVER ? Infinity : second;
  }

  /** @param seconds Unix time of the expiry */
  add(node: number, seconds: number): void {
    // Rounded up: none goes too early.
    this.#seconds.set(node, Math.min(Math.max(Math.ceil(seconds), 0), NEVER));
    this.#size += 1;
    this.#rise(this.#size - 1, node);
  }

  remove(node: number): void {
    const place = this.#places.get(node);
    this.#size -= 1;
    const last = this.#heap.get(this.#size);
    if (last === node) return;
    // The last entry takes the place, and goes from there to where it belongs.
    this.#rise(place, last);
    this.#sink(this.#places.get(last), last);
  }

  /** Makes place for numbers below `capacity`. */
  grow(capacity: number): void {
    for (const list of [this.#heap, this.#places, this.#seconds]) list.grow(capacity);
  }

  #rise(from: number, node: number): void {
    let place = from;
    while (place > 0) {
      const parent = this.#heap.get((place - 1) >>> 1);
      if (this.#seconds.get(parent) <= this.#seconds.get(node)) break;
      this.#put(place, parent);
      place = (place - 1) >>> 1;
    }
    this.#put(place, node);
  }

  #sink(from: number, node: number): void {
    let place = from;
    for (let child = this.#earlierChild(place); child !== NONE; child = this.#earlierChild(place)) {
      const below = this.#heap.get(child);
      if (this.#seconds.get(below) >= this.#seconds.get(node)) break;
      this.#put(place, below);
      place = child;
    }
    this.#put(place, node);
  }

  // The place of the one of two that expires first.
  #earlierChild(place: number): number {
    const left = 2 * place + 1;
    if (left >= this.#size) return NONE;
    const right = left + 1;
    return right < this.#size && this.#secondAt(right) < this.#secondAt(left) ? right : left;
  }

  #secondAt(place: number): number {
    return this.#seconds.get(this.#heap.get(place));
  }

  #put(place: number, node: number): void {
    this.#heap.set(place, node);
    this.#places.set(node, place);
  }
}
