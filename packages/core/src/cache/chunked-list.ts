/** A long list of objects that grows without ever being copied as a whole, as `IntList` does for integers. */

const CHUNK_BITS = 16;
const CHUNK = 2 ** CHUNK_BITS;
const WITHIN = CHUNK - 1;

/** Lists of 65,536 places; the first one grows until it is that long. */
export class ChunkedList<Item> {
  readonly #chunks: (Item | undefined)[][] = [];
  #capacity = 0;

  get(index: number): Item | undefined {
    return this.#chunks[index >>> CHUNK_BITS]![index & WITHIN];
  }

  set(index: number, item: Item | undefined): void {
    this.#chunks[index >>> CHUNK_BITS]![index & WITHIN] = item;
  }

  /** Makes place for indexes below `capacity`. */
  grow(capacity: number): void {
    for (; this.#capacity < capacity; this.#capacity += CHUNK) this.#chunks.push([]);
  }
}
