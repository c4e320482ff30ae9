/** Numbers of verdicts by the hash of one of their facts: chains in flat lists, 12 bytes for each verdict and a few for heads. */
import { NONE } from './age-order.ts';
import { IntList } from './int-list.ts';

/** In place of a predecessor: the verdict is in no chain. */
const ABSENT = -2;
const FIRST_HEADS = 16;
/** So many of the heads are in use when there is one verdict for each head. */
const MOST_USED = 0.63;

/**
 * Chains by hash. Linked both ways: a value that a million verdicts share makes removing one of them no slower. Linear hashing
 * (Litwin 1980): heads come one by one, each taking over a part of one chain, so that no call has to move them all.
 */
export class ClaimIndex {
  readonly #heads = new IntList(NONE);
  readonly #hashes = new IntList();
  readonly #next = new IntList();
  readonly #previous = new IntList(ABSENT);
  /** Heads in use for chains: `#round + #split`; those below `#split` have been divided in this round. */
  #round = FIRST_HEADS;
  #split = 0;
  /** Chains that are not empty: what all verdicts share needs one head, however many there are. */
  #chains = 0;

  constructor() {
    this.#heads.grow(FIRST_HEADS);
  }

  /** Adds a verdict; `hash` undefined: it has no such fact. */
  add(node: number, hash: number | undefined): void {
    if (hash === undefined) {
      this.#previous.set(node, ABSENT);
      return;
    }
    this.#hashes.set(node, hash);
    this.#link(node);
    if (this.#chains > MOST_USED * (this.#round + this.#split)) this.#addHead();
  }

  remove(node: number): void {
    const previous = this.#previous.get(node);
    if (previous === ABSENT) return;
    const next = this.#next.get(node);
    if (previous === NONE) this.#lead(this.#headOf(this.#hashes.get(node)), next);
    else this.#next.set(previous, next);
    if (next !== NONE) this.#previous.set(next, previous);
    this.#previous.set(node, ABSENT);
  }

  /** All verdicts with this hash, in one list, so that they may be removed meanwhile. */
  find(hash: number): number[] {
    const found: number[] = [];
    for (let node = this.#heads.get(this.#headOf(hash)); node !== NONE; node = this.#next.get(node))
      if (this.#hashes.get(node) === hash) found.push(node);
    return found;
  }

  /** Makes place for numbers below `capacity`. */
  grow(capacity: number): void {
    for (const list of [this.#hashes, this.#next, this.#previous]) list.grow(capacity);
  }

  #headOf(hash: number): number {
    const wide = hash & (2 * this.#round - 1);
    return wide < this.#round + this.#split ? wide : hash & (this.#round - 1);
  }

  #link(node: number): void {
    const head = this.#headOf(this.#hashes.get(node));
    const next = this.#heads.get(head);
    this.#next.set(node, next);
    this.#previous.set(node, NONE);
    if (next === NONE) this.#chains += 1;
    else this.#previous.set(next, node);
    this.#heads.set(head, node);
  }

  // Puts another verdict, or none, at the beginning of a chain.
  #lead(head: number, node: number): void {
    this.#heads.set(head, node);
    if (node === NONE) this.#chains -= 1;
  }

  #addHead(): void {
    const divided = this.#split;
    this.#heads.grow(this.#round + divided + 1);
    const first = this.#heads.get(divided);
    this.#split += 1;
    if (this.#split === this.#round) [this.#round, this.#split] = [2 * this.#round, 0];
    if (first !== NONE) this.#lead(divided, NONE);
    for (let node = first; node !== NONE;) {
      const next = this.#next.get(node);
      this.#link(node);
      node = next;
    }
  }
}
