/** A bounded number of questions under way; the rest wait here, where no time to be answered runs. */

// More would only wait in the socket.
const MOST_RUNNING = 256;
const MOST_RUNNING_BYTES = 8 * 2 ** 20;
const BEHIND = 20_000;
const BEHIND_BYTES = 64 * 2 ** 20;

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
  readonly fail: (error: unknown) => void;
}

export class Window {
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #running = 0;
  #runningBytes = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Whether more waits than should. */
  get isBehind(): boolean {
    return this.#waiting.length >= BEHIND || this.#waitingBytes >= BEHIND_BYTES;
  }

  /** Does the work when its turn has come. */
  async run<Answer>(bytes: number, work: () => Promise<Answer>): Promise<Answer> {
    if (this.#isFull || this.#waiting.length > 0) await this.#wait(bytes);
    else this.#begin(bytes);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#runningBytes -= bytes;
      this.#startWaiting();
    }
  }

  /** Whoever waits shouldn't wait for what will fail, too. */
  fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { fail } of waiting) fail(error);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  get #isFull(): boolean {
    return this.#running >= MOST_RUNNING || this.#runningBytes >= MOST_RUNNING_BYTES;
  }

  #begin(bytes: number): void {
    this.#running += 1;
    this.#runningBytes += bytes;
  }

  async #wait(bytes: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, start: resolve, fail: reject });
    this.#waitingBytes += bytes;
    await promise;
  }

  #startWaiting(): void {
    let started = 0;
    for (const { bytes, start } of this.#waiting) {
      if (this.#isFull) break;
      this.#waitingBytes -= bytes;
      this.#begin(bytes);
      start();
      started += 1;
    }
    if (started > 0) this.#waiting.splice(0, started);
    if (this.#running > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
