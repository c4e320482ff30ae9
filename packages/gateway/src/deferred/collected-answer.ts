/** The answer of an upstream to a request whose client has left: collected, up to a bound. */
import { WatchwordError } from '@watchword/core';
import type { Reply } from '../front/client-call.ts';

/** A whole answer. */
export interface Answer {
  readonly status: number;
  /** Value of Content-Type; empty: there was none. */
  readonly contentType: string;
  readonly body: Buffer;
}

/** Collects one answer. */
export class CollectedAnswer implements Reply {
  /** Settles once the answer is there, or cannot be any more. */
  readonly promise: Promise<Answer>;
  gone = false;
  readonly #limitBytes: number;
  readonly #settle: Pick<PromiseWithResolvers<Answer>, 'resolve' | 'reject'>;
  readonly #parts: Buffer[] = [];
  readonly #listeners: (() => void)[] = [];
  #bytes = 0;
  #status = 0;
  #contentType = '';

  /** @param limitBytes of what is longer nothing is kept, and the rest is not waited for; the status still counts */
  constructor(limitBytes: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.promise = promise;
    this.#settle = { resolve, reject };
    this.#limitBytes = limitBytes;
  }

  get started(): boolean {
    return this.#status !== 0;
  }

  start(status: number, fields: string[]): void {
    this.#status = status;
    for (let index = 0; index < fields.length; index += 2) {
      if (fields[index]!.toLowerCase() === 'content-type') this.#contentType = fields[index + 1]!;
    }
  }

  write(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#limitBytes) this.#parts.push(chunk);
    else this.#giveUp();
    return true;
  }

  end(last?: Buffer): void {
    if (last !== undefined) this.write(last);
    this.#finish(this.gone ? [] : this.#parts);
  }

  breakOff(): void {
    this.fail(new WatchwordError('upstream_unavailable', 'The answer was cut off'));
  }

  /** There will be no answer. */
  fail(error: WatchwordError): void {
    this.#settle.reject(error);
    this.#leave();
  }

  onDrain(): void {}

  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }

  // An answer that has no end must not hold its place for ever.
  #giveUp(): void {
    this.#finish([]);
    this.#leave();
  }

  #finish(parts: readonly Buffer[]): void {
    this.#settle.resolve({ status: this.#status, contentType: this.#contentType, body: Buffer.concat(parts) });
  }

  // Not inside the callbacks of the connection.
  #leave(): void {
    if (this.gone) return;
    this.gone = true;
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener();
    });
  }
}
