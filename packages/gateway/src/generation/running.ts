/** Requests that run, and waiting that ends. */
import type { RequestListener } from 'node:http';

/** How many requests run. */
export class Running {
  #count = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** One begins. */
  enter(): void {
    this.#count += 1;
  }

  /** One has ended. */
  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#idle?.resolve();
  }

  /** Counts the requests of a listener. */
  around(listener: RequestListener): RequestListener {
    return (request, response) => {
      this.enter();
      response.once('close', () => this.leave());
      return listener(request, response);
    };
  }

  /** Resolves when none runs. */
  async idle(): Promise<void> {
    if (this.#count === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}

/** Waits for something, but not longer than this. */
export async function inTime(awaited: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([awaited, late]);
  clearTimeout(timer);
}
