/** Sends an admitted request upstream and its answer back, streaming both ways. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { WatchwordError } from '@watchword/core';
import type { Reply } from '../front/client-call.ts';
import { responseHeaders } from '../headers/response-headers.ts';
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
  readonly body: Readable | null;
  /** Whether the answer belongs to an authenticated caller. */
  readonly authenticated: boolean;
}

/** What the forwarder tells and asks. */
export interface ForwardObserver {
  /** The client can still get an answer of ours: none was started. */
  failed(error: WatchwordError): void;
  /** The upstream broke off in the middle of its answer, and so did we. */
  brokenOff(error: WatchwordError): void;
}

/** Starts forwarding. Everything that happens then is told to the client or to `observer`. */
export function forward(upstream: Upstream, request: ForwardedRequest, reply: Reply, observer: ForwardObserver): void {
  upstream.room.enter(new ForwardHandler(upstream, request, reply, observer));
}

class ForwardHandler implements Dispatcher.DispatchHandler, Guest {
  readonly #upstream: Upstream;
  readonly #request: ForwardedRequest;
  readonly #reply: Reply;
  readonly #observer: ForwardObserver;
  #controller: Dispatcher.DispatchController | undefined = undefined;
  // Bytes still to come; NaN while unknown, which equals nothing.
  #left = NaN;
  #started = false;
  #ended = false;
  #inRoom = true;
  #waitingForDrain = false;

  constructor(upstream: Upstream, request: ForwardedRequest, reply: Reply, observer: ForwardObserver) {
    this.#upstream = upstream;
    this.#request = request;
    this.#reply = reply;
    this.#observer = observer;
    reply.onClose(this.#onClientClose);
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
    if (this.#reply.gone) controller.abort(new ClientGone());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: IncomingHttpHeaders): void {
    // Interim answers are between the upstream and us (RFC 9110 section 15.2 permits dropping them).
    if (statusCode < 200) return;
    const fields = responseHeaders(headers, this.#request.authenticated);
    const length = headers['content-length'];
    if (length !== undefined) this.#left = Number(length);
    this.#reply.start(statusCode, fields);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left === 0) {
      // The last bytes and the end in one write.
      this.#ended = true;
      this.#reply.end(chunk);
    } else if (!this.#reply.write(chunk)) this.#pause(controller);
  }

  // Trailers are not forwarded: no field may arrive after the checks (RFC 9110 section 6.5.1 permits dropping them).
  onResponseEnd(): void {
    this.#leave();
    if (!this.#ended) this.#reply.end();
    this.#ended = true;
    // The upstream may have answered without reading all of it.
    this.#request.body?.destroy();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#leave();
    this.#request.body?.destroy();
    if (this.#ended || error instanceof ClientGone || this.#reply.gone) return;
    this.#ended = true;
    if (!this.#reply.started) {
      this.#observer.failed(toUpstreamError(error));
      return;
    }
    // A cut-off answer must look cut off: ending it properly would pass it off as whole.
    this.#reply.breakOff();
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
    this.#reply.onDrain(() => controller.resume());
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
