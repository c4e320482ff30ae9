/** A bounded memory of tokens that evicts as the verification cache does (SIEVE), or what came first (FIFO), in flat arrays. */
import { ExpiryQueue, NONE } from './expiry-queue.ts';

/**
 * How to make place. `sieve`: as the verification cache, where an expired verdict takes no place from the next insertion on.
 * `fifo`: as header tables (RFC 7541 §2.3.2), which know of no expiry.
 */
export type Eviction = 'sieve' | 'fifo';

/** A set of tokens. One token at a time for each key 0 <= key < `keys`; another one has another expiry. */
export class SieveSet {
  readonly #capacity: number;
  readonly #spares: boolean;
  readonly #queue: ExpiryQueue | undefined;
  /** By key, the node with its newest token. */
  readonly #nodeOf: Int32Array;
  readonly #keyOf: Int32Array;
  readonly #expiresOf: Float64Array;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  readonly #visited: Uint8Array;
  #oldest = NONE;
  #newest = NONE;
  #hand = NONE;
  /** Nodes to use again, linked by `#newer`. */
  #free = NONE;
  #used = 0;
  #size = 0;

  constructor(keys: number, capacity: number, eviction: Eviction) {
    this.#capacity = capacity;
    this.#spares = eviction === 'sieve';
    this.#queue = eviction === 'sieve' ? new ExpiryQueue(capacity) : undefined;
    this.#nodeOf = new Int32Array(keys).fill(NONE);
    this.#expiresOf = new Float64Array(capacity);
    [this.#keyOf, this.#newer, this.#older] = [new Int32Array(capacity), new Int32Array(capacity), new Int32Array(capacity)];
    this.#visited = new Uint8Array(capacity);
  }

  /** Whether this token is remembered; afterwards it is. It must not have expired. Time must not go back. */
  use(key: number, nowSeconds: number, expiresSeconds: number): boolean {
    const node = this.#nodeOf[key]!;
    if (node !== NONE && this.#expiresOf[node] === expiresSeconds) {
      this.#visited[node] = 1;
      return true;
    }
    this.#sweep(nowSeconds);
    if (this.#size >= this.#capacity) this.#remove(this.#victim());
    this.#insert(key, expiresSeconds);
    return false;
  }

  // The cache keeps whole seconds, rounded up.
  #sweep(nowSeconds: number): void {
    if (this.#queue === undefined) return;
    for (let node = this.#queue.take(nowSeconds); node !== NONE; node = this.#queue.take(nowSeconds)) this.#unlink(node);
  }

  #insert(key: number, expiresSeconds: number): void {
    const node = this.#free === NONE ? this.#used++ : this.#free;
    if (node === this.#free) this.#free = this.#newer[node]!;
    this.#keyOf[node] = key;
    this.#expiresOf[node] = expiresSeconds;
    this.#visited[node] = 0;
    this.#nodeOf[key] = node;
    this.#older[node] = this.#newest;
    this.#newer[node] = NONE;
    if (this.#newest === NONE) this.#oldest = node;
    else this.#newer[this.#newest] = node;
    this.#newest = node;
    this.#size += 1;
    this.#queue?.add(node, Math.ceil(expiresSeconds));
  }

  // The hand walks from the oldest to the newest, and spares once what was used since it came by.
  #victim(): number {
    let node = this.#hand === NONE || !this.#spares ? this.#oldest : this.#hand;
    while (this.#spares && this.#visited[node] === 1) {
      this.#visited[node] = 0;
      const newer = this.#newer[node]!;
      node = newer === NONE ? this.#oldest : newer;
    }
    this.#hand = node;
    return node;
  }

  #remove(node: number): void {
    this.#queue?.remove(node);
    this.#unlink(node);
  }

  #unlink(node: number): void {
    const [older, newer] = [this.#older[node]!, this.#newer[node]!];
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    if (this.#hand === node) this.#hand = newer;
    const key = this.#keyOf[node]!;
    if (this.#nodeOf[key] === node) this.#nodeOf[key] = NONE;
    this.#newer[node] = this.#free;
    this.#free = node;
    this.#size -= 1;
  }
}
