/** A bounded hash table from token digests to verdicts, with SIEVE eviction. It grows part by part: no call has to move them all. */
import { AgeOrder, NONE } from './age-order.ts';
import { ChunkedList } from './chunked-list.ts';
import { DigestIndex } from './digest-index.ts';
import type { TokenDigest } from './token-digest.ts';
import { NOTE_WORDS, VerdictRecords } from './verdict-records.ts';

/** Hears of each verdict that comes and goes, under a number that stays the same in between. */
export interface TableObserver<Verdict> {
  added(node: number, verdict: Verdict): void;
  removed(node: number): void;
  /** Numbers lie below `capacity` from now on. */
  grown(capacity: number): void;
}

/** Maps digests to verdicts. The caller brings a digest in `TokenDigest.words` and the length of the token. */
export class VerdictTable<Verdict> {
  /** What is noted beside the verdict that `get` has just found. */
  readonly notes: Int32Array = new Int32Array(NOTE_WORDS);
  readonly #maxEntries: number;
  readonly #digest: TokenDigest;
  readonly #observer: TableObserver<Verdict> | undefined;
  readonly #records = new VerdictRecords();
  readonly #index: DigestIndex;
  readonly #verdicts = new ChunkedList<Verdict>();
  /** Gives out the numbers. A hit never looks at it. */
  readonly #order = new AgeOrder();
  #capacity = 0;
  #evictions = 0;

  constructor(maxEntries: number, digest: TokenDigest, observer?: TableObserver<Verdict>) {
    this.#maxEntries = maxEntries;
    this.#digest = digest;
    this.#observer = observer;
    this.#index = new DigestIndex(maxEntries, this.#records);
  }

  get size(): number {
    return this.#order.size;
  }

  /** Entries that had to make place for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Begins a look-up, as soon as a digest has begun. It may be left out. */
  prefetch(): void {
    this.#index.prefetch(this.#digest.words);
  }

  /** The verdict under the current digest. Marks it as used. */
  get(tokenLength: number): Verdict | undefined {
    const { words } = this.#digest;
    for (let nth = 0; ; nth += 1) {
      const node = this.#index.candidate(words, nth);
      if (node === NONE) return undefined;
      // Before the record is compared, so that both are on their way at once.
      const verdict = this.#verdicts.get(node);
      if (this.#records.use(node, words, tokenLength, this.notes)) return verdict;
    }
  }

  /** The verdict with a number that the observer was given. */
  at(node: number): Verdict {
    return this.#verdicts.get(node)!;
  }

  /** Stores a verdict under the current digest, with nothing noted, evicting another if the table is full. */
  set(tokenLength: number, verdict: Verdict): void {
    const node = this.#find(tokenLength);
    if (node === NONE) {
      this.#insert(tokenLength, verdict);
      return;
    }
    this.#observer?.removed(node);
    this.#records.forgetNotes(node);
    this.#verdicts.set(node, verdict);
    this.#observer?.added(node, verdict);
  }

  /** Notes numbers beside the verdict under the current digest, if there is one. */
  note(tokenLength: number, notes: Int32Array): void {
    const node = this.#find(tokenLength);
    if (node !== NONE) this.#records.note(node, notes);
  }

  /** Removes the verdict under the current digest. */
  delete(tokenLength: number): void {
    const node = this.#find(tokenLength);
    if (node !== NONE) this.remove(node);
  }

  /** Removes the verdict with a number. */
  remove(node: number): void {
    this.#index.remove(node);
    this.#order.remove(node);
    this.#verdicts.set(node, undefined);
    this.#observer?.removed(node);
  }

  /** Removes the least useful verdict. There must be one. */
  evict(): void {
    const victim = this.#order.victim((node) => this.#records.wasVisited(node));
    this.#evictions += 1;
    this.remove(victim);
  }

  /** Removes everything. */
  clear(): void {
    while (this.size > 0) this.remove(this.#order.oldest);
  }

  #find(tokenLength: number): number {
    const { words } = this.#digest;
    for (let nth = 0; ; nth += 1) {
      const node = this.#index.candidate(words, nth);
      if (node === NONE || this.#records.matches(node, words, tokenLength)) return node;
    }
  }

  #insert(tokenLength: number, verdict: Verdict): void {
    if (this.size >= this.#maxEntries) this.evict();
    const { words } = this.#digest;
    const node = this.#order.push();
    if (this.#order.capacity > this.#capacity) this.#grow(this.#order.capacity);
    this.#records.write(node, words, tokenLength);
    this.#verdicts.set(node, verdict);
    this.#index.add(node, words);
    this.#observer?.added(node, verdict);
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.#records.grow(capacity);
    this.#verdicts.grow(capacity);
    this.#observer?.grown(capacity);
  }
}
