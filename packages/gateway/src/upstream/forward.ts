/** Sends an admitted request upstream and its answer back, streaming both ways; once more where that is safe. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WatchwordError } from '@watchword/core';
import type { Reply } from '../front/client-call.ts';
import { responseHeaders } from '../headers/response-headers.ts';
import { responseTrailers } from '../headers/response-trailers.ts';
import { type ForwardedRequest, declaredLength, keptBody } from './forwarded-request.ts';
import type { KeptBody } from './kept-body.ts';
import type { Member } from './member.ts';
import { mayRetry } from './retry-policy.ts';
import type { Exchange, Flow } from './target.ts';
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

class Forwarding implements Exchange, Guest {
  readonly #upstream: Upstream;
  readonly #request: ForwardedRequest;
  readonly #reply: Reply;
  readonly #observer: ForwardObserver;
  readonly #kept: KeptBody | undefined;
  #uploader: string | undefined;
  #flow: Flow | undefined = undefined;
  // The target of the attempt that is under way; undefined: none is.
  #member: Member | undefined = undefined;
  #sent = false;
  #retries = 0;
  // Bytes still to come; NaN while unknown, which equals nothing.
  #left = NaN;
  #received = 0;
  #ended = false;
  #inRoom = true;
  #waitingForDrain = false;

  constructor(upstream: Upstream, request: ForwardedRequest, reply: Reply, observer: ForwardObserver) {
    this.#upstream = upstream;
    this.#request = request;
    this.#reply = reply;
    this.#observer = observer;
    this.#kept = keptBody(upstream, request);
    this.#uploader = request.body === null ? undefined : request.client;
    request.body?.on('end', () => this.#uploaded());
    reply.onClose(this.#onClientClose);
  }

  get uploader(): string | undefined {
    return this.#uploader;
  }

  start(): void {
    // The client has left, and the place with it.
    if (!this.#ended) this.#attempt(this.#upstream.balancer.choose());
  }

  refuse(error: WatchwordError): void {
    this.#inRoom = false;
    this.#ended = true;
    this.#request.body?.destroy();
    this.#observer.failed(error);
  }

  onRequestStart(flow: Flow): void {
    this.#flow = flow;
    if (this.#reply.gone) flow.abort(new ClientGone());
    else this.#sent = true;
  }

  onResponseStart(_flow: Flow, status: number, headers: IncomingHttpHeaders): void {
    // Interim answers are between the upstream and us (RFC 9110 section 15.2 permits dropping them).
    if (status < 200) return;
    const member = this.#member!;
    if (status >= 502 && status <= 504) this.#upstream.balancer.failed(member);
    else this.#upstream.balancer.succeeded(member);
    const fields = responseHeaders(headers, this.#request.authenticated);
    const length = headers['content-length'];
    // Trailers come after the last byte, where there may be some.
    if (length !== undefined && !member.target.hasTrailers) this.#left = Number(length);
    this.#reply.start(status, fields);
  }

  onRequestUpgrade(_flow: Flow, _status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    const member = this.#endAttempt();
    this.#leave();
    this.#ended = true;
    this.#upstream.balancer.succeeded(member);
    try {
      this.#request.upgrade!.done(headers, socket);
    } catch (error) {
      this.#observer.failed(toUpstreamError(error));
    }
  }

  onResponseData(flow: Flow, chunk: Buffer): void {
    this.#left -= chunk.length;
    this.#received += chunk.length;
    if (this.#left === 0) {
      // The last bytes and the end in one write.
      this.#ended = true;
      this.#reply.end(chunk);
    } else if (!this.#reply.write(chunk)) this.#pause(flow);
  }

  onResponseEnd(_flow: Flow, trailers: IncomingHttpHeaders): void {
    this.#endAttempt();
    this.#leave();
    if (!this.#ended) this.#reply.end(undefined, responseTrailers(trailers));
    this.#ended = true;
    // The upstream may have answered without reading all of it.
    this.#request.body?.destroy();
  }

  onResponseError(_flow: Flow | undefined, error: Error): void {
    const member = this.#endAttempt();
    if (this.#ended || error instanceof ClientGone || this.#reply.gone) {
      this.#leave();
      this.#request.body?.destroy();
      return;
    }
    if (!this.#isClientsFault(error)) this.#upstream.balancer.failed(member);
    if (this.#takesRetry(error)) this.#retry(member);
    else this.#fail(error);
  }

  #attempt(member: Member): void {
    this.#member = member;
    this.#sent = false;
    member.inFlight += 1;
    const { method, target, headers, body, bodyTimeoutMs, upgrade } = this.#request;
    member.target.send(
      {
        method,
        path: target,
        headers,
        body: this.#kept?.open() ?? body,
        bodyTimeout: bodyTimeoutMs ?? null,
        upgrade: upgrade?.to ?? null,
      },
      this,
    );
  }

  #endAttempt(): Member {
    const member = this.#member!;
    member.inFlight -= 1;
    this.#upstream.hop.count(this.#sent ? declaredLength(this.#request.headers) : 0, this.#received);
    this.#received = 0;
    this.#member = undefined;
    this.#flow = undefined;
    return member;
  }

  #isClientsFault(error: Error): boolean {
    return (this.#request.body?.errored ?? null) !== null || (error as { code?: unknown }).code === 'UND_ERR_INVALID_ARG';
  }

  #takesRetry(error: Error): boolean {
    const { retries, balancer, budget } = this.#upstream;
    if (this.#reply.started || this.#retries >= retries || this.#isClientsFault(error)) return false;
    // Without another target only a new connection can help, and none could be made.
    if (!this.#sent && balancer.members.length === 1) return false;
    const { method, body } = this.#request;
    const replayable = body === null || (this.#kept === undefined ? !this.#sent && !body.destroyed : this.#kept.isWhole);
    return replayable && mayRetry({ method, sent: this.#sent, error }) && budget.spend();
  }

  // Not inside the callbacks of the connection that failed.
  #retry(failed: Member): void {
    this.#retries += 1;
    queueMicrotask(() => {
      if (this.#ended) return;
      const member = this.#upstream.balancer.choose(failed);
      member.retries += 1;
      this.#attempt(member);
    });
  }

  #fail(error: Error): void {
    this.#leave();
    this.#request.body?.destroy();
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

  #pause(flow: Flow): void {
    flow.pause();
    if (this.#waitingForDrain) return;
    this.#waitingForDrain = true;
    this.#reply.onDrain(() => this.#flow?.resume());
  }

  #uploaded(): void {
    this.#uploader = undefined;
    this.#upstream.room.uploaded(this);
  }

  readonly #onClientClose = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#member === undefined) {
      this.#leave();
      this.#request.body?.destroy();
    } else this.#flow?.abort(new ClientGone());
  };
}

/** Why an upstream call was given up: nobody waits for the answer any more. */
class ClientGone extends Error {
  override readonly name = 'ClientGone';

  constructor() {
    super('The client closed the connection');
  }
}
