/** Numbers of verdicts by the hash of one of their facts: chains in flat arrays, 12 bytes for each verdict and a few for heads. */
import { NONE, grown } from './age-order.ts';

/** In place of a predecessor: the verdict is in no chain. */
const ABSENT = -2;

/** Chains by hash. Linked both ways: a value that a million verdicts share makes removing one of them no slower. */
export class ClaimIndex {
  #heads = new Int32Array(0);
  #hashes = new Int32Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);

  /** Adds a verdict; `hash` undefined: it has no such fact. */
  add(node: number, hash: number | undefined): void {
    if (hash === undefined) {
      this.#previous[node] = ABSENT;
      return;
    }
    this.#hashes[node] = hash;
    this.#link(node);
  }

  remove(node: number): void {
    const previous = this.#previous[node]!;
    if (previous === ABSENT) return;
    const next = this.#next[node]!;
    if (previous === NONE) this.#heads[this.#bucketOf(node)] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
    this.#previous[node] = ABSENT;
  }

  /** All verdicts with this hash, in one list, so that they may be removed meanwhile. */
  find(hash: number): number[] {
    const found: number[] = [];
    for (let node = this.#heads[hash & (this.#heads.length - 1)]!; node !== NONE; node = this.#next[node]!)
      if (this.#hashes[node] === hash) found.push(node);
    return found;
  }

  /** Makes place for numbers below `capacity`. Hashes are kept, so that no verdict is looked at. */
  grow(capacity: number): void {
    const before = this.#hashes.length;
    this.#hashes = grown(this.#hashes, capacity);
    this.#next = grown(this.#next, capacity);
    this.#previous = grown(this.#previous, capacity).fill(ABSENT, before);
    this.#heads = new Int32Array(2 ** Math.floor(Math.log2(capacity))).fill(NONE);
    for (let node = 0; node < before; node += 1) if (this.#previous[node] !== ABSENT) this.#link(node);
  }

  #bucketOf(node: number): number {
    return this.#hashes[node]! & (this.#heads.length - 1);
  }

  #link(node: number): void {
    const bucket = this.#bucketOf(node);
    const next = this.#heads[bucket]!;
    this.#next[node] = next;
    this.#previous[node] = NONE;
    if (next !== NONE) this.#previous[next] = node;
    this.#heads[bucket] = node;
  }
}
