/** Numbers in the order of the second in which they are due: one list for each second, in flat arrays. */

/** No number. */
export const NONE = -1;

/** Holds numbers 0 <= n < `capacity`, each once. */
export class ExpiryQueue {
  /** By second, the first number of its list. */
  readonly #first = new Map<number, number>();
  readonly #seconds: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #second = Number.NEGATIVE_INFINITY;

  constructor(capacity: number) {
    this.#seconds = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
  }

  /** @param dueSecond whole, and not one that `take` was asked about before */
  add(number: number, dueSecond: number): void {
    const first = this.#first.get(dueSecond) ?? NONE;
    this.#seconds[number] = dueSecond;
    this.#next[number] = first;
    this.#previous[number] = NONE;
    if (first !== NONE) this.#previous[first] = number;
    this.#first.set(dueSecond, number);
  }

  remove(number: number): void {
    const [next, previous] = [this.#next[number]!, this.#previous[number]!];
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) this.#next[previous] = next;
    else if (next === NONE) this.#first.delete(this.#seconds[number]!);
    else this.#first.set(this.#seconds[number]!, next);
  }

  /** Removes one that is due. @returns NONE: nothing is */
  take(nowSeconds: number): number {
    const now = Math.floor(nowSeconds);
    // Nothing is due before the first question.
    if (this.#second === Number.NEGATIVE_INFINITY) this.#second = now;
    for (; this.#second <= now; this.#second += 1) {
      const number = this.#first.get(this.#second);
      if (number === undefined) continue;
      this.remove(number);
      return number;
    }
    return NONE;
  }
}
