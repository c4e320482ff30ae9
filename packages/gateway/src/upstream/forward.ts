/** Sends an admitted request upstream and its answer back, streaming both ways; once more where that is safe. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WatchwordError } from '@watchword/core';
import type { Reply } from '../front/client-call.ts';
import { responseHeaders } from '../headers/response-headers.ts';
import { responseTrailers } from '../headers/response-trailers.ts';
import { Attempts } from './attempts.ts';
import type { ForwardedRequest } from './forwarded-request.ts';
import type { Member } from './member.ts';
import type { Flow } from './target.ts';
import { toUpstreamError } from './upstream-error.ts';
import type { Upstream } from './upstream.ts';
import type { Guest } from './waiting-room.ts';

/** What the forwarder tells and asks. */
export interface ForwardObserver {
  /** The client can still get an answer of ours: none was started. */
  failed(error: WatchwordError): void;
  /** The upstream broke off in the middle of its answer, and so did we. */
  brokenOff(error: WatchwordError): void;
}

/** Starts forwarding. Everything that happens then is told to the client or to `observer`. */
export function forward(upstream: Upstream, request: ForwardedRequest, reply: Reply, observer: ForwardObserver): void {
  upstream.budget.earn();
  upstream.room.enter(new Forwarding(upstream, request, reply, observer));
}

class Forwarding extends Attempts implements Guest {
  readonly #reply: Reply;
  readonly #observer: ForwardObserver;
  #uploader: string | undefined;
  // Bytes still to come; NaN while unknown, which equals nothing.
  #left = NaN;
  #ended = false;
  #inRoom = true;
  #waitingForDrain = false;

  constructor(upstream: Upstream, request: ForwardedRequest, reply: Reply, observer: ForwardObserver) {
    super(upstream, request);
    this.#reply = reply;
    this.#observer = observer;
    this.#uploader = request.body === null ? undefined : request.client;
    request.body?.on('end', () => this.#uploaded());
    reply.onClose(this.#onClientClose);
  }

  get uploader(): string | undefined {
    return this.#uploader;
  }

  start(): void {
    // The client has left, and the place with it.
    if (!this.#ended) this.attempt(this.upstream.balancer.choose());
  }

  refuse(error: WatchwordError): void {
    this.#inRoom = false;
    this.#ended = true;
    this.request.body?.destroy();
    this.#observer.failed(error);
  }

  onRequestStart(flow: Flow): void {
    this.flow = flow;
    if (this.#reply.gone) flow.abort(new ClientGone());
    else this.sent = true;
  }

  onResponseStart(_flow: Flow, status: number, headers: IncomingHttpHeaders): void {
    // Interim answers are between the upstream and us (RFC 9110 section 15.2 permits dropping them).
    if (status < 200) return;
    const member = this.member!;
    if (status >= 502 && status <= 504) this.upstream.balancer.failed(member);
    else this.upstream.balancer.succeeded(member);
    const fields = responseHeaders(headers, this.request.authenticated);
    const length = headers['content-length'];
    // Trailers come after the last byte, where there may be some.
    if (length !== undefined && !member.target.hasTrailers) this.#left = Number(length);
    this.#reply.start(status, fields);
  }

  onRequestUpgrade(_flow: Flow, _status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    const member = this.endAttempt();
    this.#leave();
    this.#ended = true;
    this.upstream.balancer.succeeded(member);
    try {
      this.request.upgrade!.done(headers, socket);
    } catch (error) {
      this.#observer.failed(toUpstreamError(error));
    }
  }

  onResponseData(flow: Flow, chunk: Buffer): void {
    this.#left -= chunk.length;
    this.received += chunk.length;
    if (this.#left === 0) {
      // The last bytes and the end in one write.
      this.#ended = true;
      this.#reply.end(chunk);
    } else if (!this.#reply.write(chunk)) this.#pause(flow);
  }

  onResponseEnd(_flow: Flow, trailers: IncomingHttpHeaders): void {
    this.endAttempt();
    this.#leave();
    if (!this.#ended) this.#reply.end(undefined, responseTrailers(trailers));
    this.#ended = true;
    // The upstream may have answered without reading all of it.
    this.request.body?.destroy();
  }

  onResponseError(_flow: Flow | undefined, error: Error): void {
    const member = this.endAttempt();
    if (this.#ended || error instanceof ClientGone || this.#reply.gone) {
      this.#leave();
      this.request.body?.destroy();
      return;
    }
    if (!this.isClientsFault(error)) this.upstream.balancer.failed(member);
    if (!this.#reply.started && this.takesRetry(error)) this.#retrySoon(member);
    else this.#fail(error);
  }

  // Not inside the callbacks of the connection that failed.
  #retrySoon(failed: Member): void {
    queueMicrotask(() => {
      if (!this.#ended) this.retry(failed);
    });
  }

  #fail(error: Error): void {
    this.#leave();
    this.request.body?.destroy();
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
    if (this.#inRoom) this.upstream.room.leave(this);
    this.#inRoom = false;
  }

  #pause(flow: Flow): void {
    flow.pause();
    if (this.#waitingForDrain) return;
    this.#waitingForDrain = true;
    this.#reply.onDrain(() => this.flow?.resume());
  }

  #uploaded(): void {
    this.#uploader = undefined;
    this.upstream.room.uploaded(this);
  }

  readonly #onClientClose = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    if (this.member === undefined) {
      this.#leave();
      this.request.body?.destroy();
    } else this.flow?.abort(new ClientGone());
  };
}

/** Why an upstream call was given up: nobody waits for the answer any more. */
class ClientGone extends Error {
  override readonly name = 'ClientGone';

  constructor() {
    super('The client closed the connection');
  }
}
