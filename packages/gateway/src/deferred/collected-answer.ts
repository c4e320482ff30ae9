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
  readonly gone = false;
  readonly #limitBytes: number;
  readonly #settle: Pick<PromiseWithResolvers<Answer>, 'resolve' | 'reject'>;
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #contentType = '';

  /** @param limitBytes of what comes after that nothing is kept; the status still counts */
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
    return true;
  }

  end(last?: Buffer): void {
    if (last !== undefined) this.write(last);
    const body = this.#bytes > this.#limitBytes ? Buffer.alloc(0) : Buffer.concat(this.#parts);
    this.#settle.resolve({ status: this.#status, contentType: this.#contentType, body });
  }

  breakOff(): void {
    this.fail(new WatchwordError('upstream_unavailable', 'The answer was cut off'));
  }

  /** There will be no answer. */
  fail(error: WatchwordError): void {
    this.#settle.reject(error);
  }

  onDrain(): void {}

  onClose(): void {}
}
