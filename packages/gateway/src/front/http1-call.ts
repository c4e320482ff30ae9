/** A call over HTTP/1.1. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WatchwordError } from '@watchword/core';
import { type InspectedHeaders, inspectHeaders } from '../headers/request-headers.ts';
import type { ClientCall } from './client-call.ts';
import { markEndless, takeNoMore } from './connections.ts';
import { type BodySource, RequestBody, discardBody } from './request-body.ts';
import { clientCertificateOf } from './tls.ts';

// A short answer as a string joins its header in one write; latin1 keeps every byte. Above this copying costs more than it saves.
const ONE_PIECE_BYTES = 4096;

/** What all calls of one server have in common. */
export interface Http1State {
  readonly draining: boolean;
  /** Whether a client's certificate counts only if an authority of ours vouches for it. */
  readonly needsAuthority: boolean;
}

/** Wraps a request of Node's HTTP server. */
export class Http1Call implements ClientCall, BodySource {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #state: Http1State;
  #waitsToContinue: boolean;
  #hasWritten = false;
  /** What is not known yet may have one. */
  #hasBody = true;
  readonly #whenClosed: (() => void)[] = [];

  /** @param waitsToContinue whether the client holds its body back until it is told to send it (RFC 9110 section 10.1.1) */
  constructor(request: IncomingMessage, response: ServerResponse, waitsToContinue: boolean, state: Http1State) {
    this.#request = request;
    this.#response = response;
    this.#waitsToContinue = waitsToContinue;
    this.#state = state;
    response.on('close', this.#onClose);
  }

  get method(): string {
    return this.#request.method!;
  }

  get target(): string {
    return this.#request.url!;
  }

  get scheme(): 'http' | 'https' {
    return 'encrypted' in this.#request.socket ? 'https' : 'http';
  }

  get peer(): string {
    return this.#request.socket.remoteAddress ?? 'unknown';
  }

  get clientCertificate(): Buffer | undefined {
    return clientCertificateOf(this.#request.socket, this.#state.needsAuthority);
  }

  get speaksGrpc(): boolean {
    return false;
  }

  get answered(): number | undefined {
    return this.#response.writableFinished ? this.#response.statusCode : undefined;
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get gone(): boolean {
    return this.#response.destroyed;
  }

  inspect(): InspectedHeaders {
    const headers = inspectHeaders(this.#request.rawHeaders);
    // RFC 9112 section 6.1: HTTP/1.0 has no transfer codings, so whoever sent this, or passed it on, may see another end of it (F1).
    if (this.#request.httpVersionMinor === 0 && headers.hasBody && headers.contentLength === undefined) {
      throw new WatchwordError('request_malformed', 'Transfer-Encoding in HTTP/1.0');
    }
    this.#hasBody = headers.hasBody;
    return headers;
  }

  openBody({ hasBody, contentLength }: InspectedHeaders, limitBytes: number): RequestBody | null {
    if (contentLength !== undefined && contentLength > limitBytes) {
      throw new WatchwordError('body_too_large', `The request declares more than ${limitBytes} bytes`);
    }
    if (this.#waitsToContinue) {
      this.#waitsToContinue = false;
      this.#response.writeContinue();
    }
    if (!hasBody) return null;
    if (limitBytes === Infinity) markEndless(this.#request.socket, this.#response);
    return new RequestBody(this.#request, limitBytes, this);
  }

  /** Node tells only a whole body that it ends. */
  isCut(): boolean {
    return false;
  }

  discard(): void {
    discardBody(this.#request);
  }

  start(status: number, fields: string[]): void {
    if (this.#state.draining) fields.push('connection', 'close');
    this.#response.writeHead(status, fields);
    // Where there may be a long time before the first byte, as with events, the client is told at once that it will come.
    if (!fields.includes('content-length')) queueMicrotask(() => this.#flush());
  }

  write(chunk: Buffer): boolean {
    this.#hasWritten = true;
    return this.#response.write(chunk);
  }

  end(last?: Buffer): void {
    this.#hasWritten = true;
    if (last === undefined) this.#response.end();
    else if (last.length <= ONE_PIECE_BYTES) this.#response.end(last.toString('latin1'), 'latin1');
    else this.#response.end(last);
  }

  breakOff(): void {
    this.#response.destroy();
  }

  endEarly(_error?: WatchwordError): void {
    this.breakOff();
  }

  refuse(status: number, fields: string[], body: string): void {
    // Whoever still waits to send a body must not send it after this answer as if it were the next request. Whoever sent something
    // malformed may not mean the same as we do by where it ends, and by what comes behind it (RFC 9112 section 2.2, F1).
    if (this.#waitsToContinue || this.#state.draining || status === 400) fields.push('connection', 'close');
    if (status === 400) takeNoMore(this.#request.socket);
    this.#response.writeHead(status, fields);
    this.#response.end(body);
    if (this.#hasBody) discardBody(this.#request);
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }

  onClose(listener: () => void): void {
    this.#whenClosed.push(listener);
  }

  #flush(): void {
    if (!this.#response.headersSent || this.#hasWritten || this.#response.destroyed) return;
    this.#response.flushHeaders();
  }

  // One listener of the response for all who want to know.
  readonly #onClose = (): void => {
    for (const listener of this.#whenClosed) listener();
    // Answers that were started before a drain promised to keep the connection. What was written goes out first.
    if (this.#state.draining) this.#request.socket.destroySoon();
  };
}
