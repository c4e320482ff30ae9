/** A long list of 32-bit integers that grows without ever being copied as a whole. */

const CHUNK_BITS = 16;
const CHUNK = 2 ** CHUNK_BITS;
const WITHIN = CHUNK - 1;

/** Chunks of 65,536 integers; the first one doubles until it is that long, so that a short list takes little. */
export class IntList {
  readonly #fill: number;
  #chunks: Int32Array[] = [];
  #length = 0;

  /** @param fill what stands where nothing was set */
  constructor(fill = 0) {
    this.#fill = fill;
  }

  get length(): number {
    return this.#length;
  }

  get(index: number): number {
    return this.#chunks[index >>> CHUNK_BITS]![index & WITHIN]!;
  }

  set(index: number, value: number): void {
    this.#chunks[index >>> CHUNK_BITS]![index & WITHIN] = value;
  }

  /** Makes place for at least `length` integers. Each step copies or clears one chunk at most. */
  grow(length: number): void {
    while (this.#length < length) this.#length = this.#length < CHUNK ? this.#lengthenFirst(length) : this.#addChunk();
  }

  #lengthenFirst(wanted: number): number {
    const length = Math.min(CHUNK, Math.max(wanted, 2 * this.#length));
    const chunk = this.#filled(length);
    if (this.#length > 0) chunk.set(this.#chunks[0]!);
    this.#chunks[0] = chunk;
    return length;
  }

  #addChunk(): number {
    this.#chunks.push(this.#filled(CHUNK));
    return this.#length + CHUNK;
  }

  #filled(length: number): Int32Array {
    const chunk = new Int32Array(length);
    return this.#fill === 0 ? chunk : chunk.fill(this.#fill);
  }
}
