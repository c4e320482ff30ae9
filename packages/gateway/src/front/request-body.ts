/** The body on its way up: counted, with back-pressure, and never taking the client's connection down with it. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { WatchwordError } from '@watchword/core';

/** How much of an unwanted body is read, in bytes, so that the client gets to see the answer; then the connection is closed. */
const DISCARD_LIMIT = 1_048_576;

/** What differs between the protocols. */
export interface BodySource {
  /** Whether what looks like the end of the body is one: a reset ends the data of an HTTP/2 stream too. */
  isCut(): boolean;
  /** Nobody wants the rest. */
  discard(): void;
}

/**
 * A view of the request's body for the upstream client. Destroying an IncomingMessage would destroy the socket that the answer
 * still has to be written to, so the upstream client gets this stream to destroy.
 */
export class RequestBody extends Readable {
  readonly #request: Readable;
  readonly #limitBytes: number;
  readonly #source: BodySource;
  #bytes = 0;
  #ended = false;

  /** @param limitBytes fails with `body_too_large` beyond it, declared or not */
  constructor(request: Readable, limitBytes: number, source: BodySource) {
    super();
    this.#request = request;
    this.#limitBytes = limitBytes;
    this.#source = source;
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onError);
    // While it waits for a connection nobody else listens; whoever takes it over sees that it was destroyed (F5).
    this.on('error', ignore);
    request.pause();
  }

  override _read(): void {
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    if (!this.#ended) this.#source.discard();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limitBytes) {
      this.destroy(new WatchwordError('body_too_large', `The request body has more than ${this.#limitBytes} bytes`));
    } else if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#source.isCut()) return this.#onClose();
    this.#ended = true;
    this.push(null);
  };

  // Closed before its end: the client went away. A cut-off body must not look like a whole one.
  readonly #onClose = (): void => {
    if (!this.#ended) this.destroy(new Error('The client closed the connection'));
  };

  readonly #onError = (error: Error): void => {
    this.destroy(error);
  };
}

/** Reads and drops the rest of a body that nobody wants, up to a limit. */
export function discardBody(request: IncomingMessage): void {
  if (request.destroyed) return;
  let left = DISCARD_LIMIT;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.socket.destroy();
  });
  request.on('error', ignore);
  request.resume();
}

function ignore(): void {}
