/** How many retries there may be, in proportion to the requests: an outage must not be multiplied by those who meet it. */

/** Retries that are permitted before any request has earned one. */
const RESERVE = 10;

/** Requests pay in, retries take out. */
export class RetryBudget {
  readonly #share: number;
  readonly #most: number;
  #balance: number;

  /** @param percent retries for each hundred requests; 0: none at all */
  constructor(percent: number) {
    this.#share = percent / 100;
    this.#most = percent > 0 ? RESERVE : 0;
    this.#balance = this.#most;
  }

  /** One more request. */
  earn(): void {
    if (this.#balance < this.#most) this.#balance += this.#share;
  }

  /** Takes what one retry costs. @returns false: there is not enough */
  spend(): boolean {
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }
}
