/** Looks at one thing after the other, and at the rest of them a little later where many had to be let go of (F10). */

/** Let go of in one turn, at about 50 us each. */
const MOST_AT_ONCE = 32;
/** Time that everybody else has in between. */
const PAUSE_MS = 5;

/** Goes around again and again. */
export class Round<Item> {
  readonly #all: () => IterableIterator<Item>;
  readonly #look: (item: Item, nowMs: number) => number;
  #isUnderWay = false;

  /** @param all those of now; may change meanwhile @param look says how many it has let go of */
  constructor(all: () => IterableIterator<Item>, look: (item: Item, nowMs: number) => number) {
    this.#all = all;
    this.#look = look;
  }

  /** Begins, unless the last one is still under way. */
  begin(): void {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#goOn(this.#all());
  }

  #goOn(rest: IterableIterator<Item>): void {
    const nowMs = performance.now();
    let count = 0;
    // Not for-of, which may close what is to be gone on with.
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      count += this.#look(next.value, nowMs);
      if (count >= MOST_AT_ONCE) {
        setTimeout(() => this.#goOn(rest), PAUSE_MS).unref();
        return;
      }
    }
    this.#isUnderWay = false;
  }
}
