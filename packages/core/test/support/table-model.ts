/** The verdict table as anybody can check it by reading: a list in order of age, and SIEVE as its paper tells it. */
interface Item<Verdict> {
  readonly key: string;
  verdict: Verdict;
  visited: boolean;
}

export class TableModel<Verdict> {
  readonly #maxEntries: number;
  /** Oldest first. */
  readonly #items: Item<Verdict>[] = [];
  /** Where the hand stands; undefined: at the oldest. */
  #hand: Item<Verdict> | undefined;
  evictions = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#items.length;
  }

  get(key: string): Verdict | undefined {
    const item = this.#find(key);
    if (item !== undefined) item.visited = true;
    return item?.verdict;
  }

  set(key: string, verdict: Verdict): void {
    const item = this.#find(key);
    if (item !== undefined) {
      item.verdict = verdict;
      return;
    }
    if (this.#items.length >= this.#maxEntries) this.#evict();
    this.#items.push({ key, verdict, visited: false });
  }

  delete(key: string): void {
    const item = this.#find(key);
    if (item !== undefined) this.#remove(item);
  }

  /** Removes what is over. @returns how many */
  expire(isOver: (verdict: Verdict) => boolean): number {
    const over = this.#items.filter(({ verdict }) => isOver(verdict));
    for (const item of over) this.#remove(item);
    return over.length;
  }

  clear(): void {
    this.#items.length = 0;
    this.#hand = undefined;
  }

  #find(key: string): Item<Verdict> | undefined {
    return this.#items.find((item) => item.key === key);
  }

  #evict(): void {
    this.evictions += 1;
    let index = this.#hand === undefined ? 0 : this.#items.indexOf(this.#hand);
    while (this.#items[index]!.visited) {
      this.#items[index]!.visited = false;
      index = (index + 1) % this.#items.length;
    }
    const victim = this.#items[index]!;
    this.#hand = victim;
    this.#remove(victim);
  }

  #remove(item: Item<Verdict>): void {
    const index = this.#items.indexOf(item);
    if (this.#hand === item) this.#hand = this.#items[index + 1];
    this.#items.splice(index, 1);
  }
}
