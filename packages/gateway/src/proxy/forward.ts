/** Sends an admitted request upstream and its answer back, streaming both ways. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { WatchwordError } from '@watchword/core';
import { responseHeaders } from '../headers/response-headers.ts';
import type { RequestBody } from './request-body.ts';
import { toUpstreamError } from './upstream-error.ts';
import type { Upstream } from './upstreams.ts';
import type { Guest } from './waiting-room.ts';

/** What goes upstream. */
export interface ForwardedRequest {
  readonly method: string;
  /** The request target that was decided on, query included. */
  readonly target: string;
  /** Name, value, name, value, ... */
  readonly headers: string[];
  readonly body: RequestBody | null;
  /** Whether the answer belongs to an authenticated caller. */
  readonly authenticated: boolean;
}

/** What the forwarder tells and asks. */
export interface ForwardObserver {
  /** The client can still get an answer of ours: none was started. */
  failed(error: WatchwordError): void;
  /** The upstream broke off in the middle of its answer, and so did we. */
  brokenOff(error: WatchwordError): void;
  /** Whether the connection is to be closed after this answer. */
  closing(): boolean;
}

/** Starts forwarding. Everything that happens then is told to the client or to `observer`. */
export function forward(
  upstream: Upstream,
  request: ForwardedRequest,
  response: ServerResponse,
  observer: ForwardObserver,
): void {
  upstream.room.enter(new ForwardHandler(upstream, request, response, observer));
}

// A short answer as a string joins its header in one write; latin1 keeps every byte. Above this copying costs more than it saves.
const ONE_PIECE_BYTES = 4096;

class ForwardHandler implements Dispatcher.DispatchHandler, Guest {
  readonly #upstream: Upstream;
  readonly #request: ForwardedRequest;
  readonly #response: ServerResponse;
  readonly #observer: ForwardObserver;
  #controller: Dispatcher.DispatchController | undefined = undefined;
  // Bytes still to come; NaN while unknown, which equals nothing.
  #left = NaN;
  #started = false;
  #ended = false;
  #inRoom = true;
  #waitingForDrain = false;

  constructor(upstream: Upstream, request: ForwardedRequest, response: ServerResponse, observer: ForwardObserver) {
    this.#upstream = upstream;
    this.#request = request;
    this.#response = response;
    this.#observer = observer;
    response.on('close', this.#onClientClose);
  }

  start(): void {
    // The client has left, and the place with it.
    if (this.#ended) return;
    this.#started = true;
    const { method, target, headers, body } = this.#request;
    this.#upstream.pool.dispatch({ method, path: target, headers, body }, this);
  }

  refuse(error: WatchwordError): void {
    this.#inRoom = false;
    this.#ended = true;
    this.#request.body?.destroy();
    this.#observer.failed(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#response.destroyed) controller.abort(new ClientGone());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: IncomingHttpHeaders): void {
    // Interim answers are between the upstream and us (RFC 9110 section 15.2 permits dropping them).
    if (statusCode < 200) return;
    const fields = responseHeaders(headers, this.#request.authenticated);
    if (this.#observer.closing()) fields.push('connection', 'close');
    const length = headers['content-length'];
    if (length !== undefined) this.#left = Number(length);
    this.#response.writeHead(statusCode, fields);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left === 0) {
      // The last bytes and the end in one write.
      this.#ended = true;
      if (chunk.length <= ONE_PIECE_BYTES) this.#response.end(chunk.toString('latin1'), 'latin1');
      else this.#response.end(chunk);
    } else if (!this.#response.write(chunk)) this.#pause(controller);
  }

  // Trailers are not forwarded: no field may arrive after the checks (RFC 9110 section 6.5.1 permits dropping them).
  onResponseEnd(): void {
    this.#leave();
    if (!this.#ended) this.#response.end();
    this.#ended = true;
    // The upstream may have answered without reading all of it.
    this.#request.body?.destroy();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#leave();
    this.#request.body?.destroy();
    if (this.#ended || error instanceof ClientGone || this.#response.destroyed) return;
    this.#ended = true;
    if (!this.#response.headersSent) {
      this.#observer.failed(toUpstreamError(error));
      return;
    }
    // A cut-off answer must look cut off: ending it properly would pass it off as whole.
    this.#response.destroy();
    this.#observer.brokenOff(toUpstreamError(error));
  }

  #leave(): void {
    if (this.#inRoom) this.#upstream.room.leave(this);
    this.#inRoom = false;
  }

  #pause(controller: Dispatcher.DispatchController): void {
    controller.pause();
    if (this.#waitingForDrain) return;
    this.#waitingForDrain = true;
    this.#response.on('drain', () => controller.resume());
  }

  readonly #onClientClose = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller?.abort(new ClientGone());
    if (!this.#started) this.#leave();
  };
}

/** Why an upstream call was given up: nobody waits for the answer any more. */
class ClientGone extends Error {
  override readonly name = 'ClientGone';

  constructor() {
    super('The client closed the connection');
  }
}
