/** A bounded memory of numbers that evicts as the verification cache does (SIEVE), or what came first (FIFO), in flat arrays. */

/** How to make place: `fifo` is that of header tables (RFC 7541 §2.3.2). */
export type Eviction = 'sieve' | 'fifo';

const NONE = -1;

/** A set of keys 0 <= key < `keys`, each with the version that is remembered. Old versions stay until they are evicted. */
export class SieveSet {
  readonly #capacity: number;
  readonly #spares: boolean;
  /** By key, the node with its newest version. */
  readonly #nodeOf: Int32Array;
  readonly #keyOf: Int32Array;
  readonly #versionOf: Int32Array;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  readonly #visited: Uint8Array;
  #oldest = NONE;
  #newest = NONE;
  #hand = NONE;
  #size = 0;

  constructor(keys: number, capacity: number, eviction: Eviction) {
    this.#capacity = capacity;
    this.#spares = eviction === 'sieve';
    this.#nodeOf = new Int32Array(keys).fill(NONE);
    [this.#keyOf, this.#versionOf, this.#newer, this.#older] = Array.from({ length: 4 }, () => new Int32Array(capacity)) as [
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    this.#visited = new Uint8Array(capacity);
  }

  /** Whether this version is remembered; afterwards it is. */
  use(key: number, version: number): boolean {
    const node = this.#nodeOf[key]!;
    if (node !== NONE && this.#versionOf[node] === version) {
      this.#visited[node] = 1;
      return true;
    }
    this.#insert(key, version);
    return false;
  }

  #insert(key: number, version: number): void {
    const node = this.#size < this.#capacity ? this.#size++ : this.#evict();
    this.#keyOf[node] = key;
    this.#versionOf[node] = version;
    this.#visited[node] = 0;
    this.#nodeOf[key] = node;
    this.#older[node] = this.#newest;
    this.#newer[node] = NONE;
    if (this.#newest === NONE) this.#oldest = node;
    else this.#newer[this.#newest] = node;
    this.#newest = node;
  }

  // The hand walks from the oldest to the newest, and spares once what was used since it came by.
  #evict(): number {
    let node = this.#hand === NONE || !this.#spares ? this.#oldest : this.#hand;
    while (this.#spares && this.#visited[node] === 1) {
      this.#visited[node] = 0;
      const newer = this.#newer[node]!;
      node = newer === NONE ? this.#oldest : newer;
    }
    const [older, newer] = [this.#older[node]!, this.#newer[node]!];
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    this.#hand = newer;
    const key = this.#keyOf[node]!;
    if (this.#nodeOf[key] === node) this.#nodeOf[key] = NONE;
    return node;
  }
}
