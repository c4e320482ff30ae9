/** The HTTP/1.1 edge: request -> decision -> forward. Holds no policy of its own. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type WatchwordError, WatchwordError as Failure, toWatchwordError } from '@watchword/core';
import type { LimitsConfig } from '../config/config.ts';
import { type Decide, Decision, Refusal } from '../decision/decision.ts';
import { type InspectedHeaders, inspectHeaders } from '../headers/request-headers.ts';
import type { Route } from '../routing/route.ts';
import { answerRefusal } from './answer.ts';
import { isBusy, trackConnections } from './connections.ts';
import { type ForwardObserver, forward } from './forward.ts';
import { guardParser } from './parser-guard.ts';
import { RequestBody } from './request-body.ts';
import type { Upstreams } from './upstreams.ts';

/** What the edge reports. Called on every request: implementations only count. */
export interface EdgeObserver {
  /** One answered request. `route` is undefined when none was found; status 499 means that the client left first. */
  answered(route: Route | undefined, status: number, durationMs: number): void;
  /** A request that was refused, or that failed upstream. */
  refused(error: WatchwordError, route: Route | undefined, method: string): void;
  /** A client sent Txn-Token fields; they were removed. */
  removedTxnTokens(count: number): void;
}

/** What the edge is made of. */
export interface EdgeOptions {
  readonly decide: Decide;
  readonly upstreams: Upstreams;
  readonly limits: LimitsConfig;
  readonly observer: EdgeObserver;
}

/** The running edge. */
export interface Edge {
  readonly server: Server;
  /** Closes idle connections now, and every other one after its answer. */
  drain(): void;
}

/** Creates the server. It does not listen yet. */
export function createEdge(options: EdgeOptions): Edge {
  const { limits } = options;
  const state = { draining: false };
  // insecureHTTPParser stays off: two readings of one request is what smuggling is (F1).
  const server = createServer({
    // Refused with the others, with a body and a count: `inspectHeaders` wants exactly one, of HTTP/1.0 too.
    requireHostHeader: false,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: Math.max(limits.requestTimeoutMs, limits.headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 5000),
  });
  // The default drops fields beyond 2000 without a word; headerBytes is the limit.
  server.maxHeadersCount = 0;
  const handle = (request: IncomingMessage, response: ServerResponse, waits: boolean): void => {
    new EdgeRequest(request, response, waits, options, state).start();
  };
  server.on('request', (request, response) => handle(request, response, false));
  // The client waits for permission to send its body: it gets it when the request has been admitted (RFC 9110 section 10.1.1).
  server.on('checkContinue', (request, response) => handle(request, response, true));
  // Other expectations are ignored, as RFC 9110 section 10.1.1 permits; Node would answer 417 behind our back.
  server.on('checkExpectation', (request, response) => handle(request, response, false));
  guardParser(server);
  server.setTimeout(limits.stallTimeoutMs, onSilence);
  const connections = trackConnections(server);
  return {
    server,
    drain() {
      state.draining = true;
      connections.closeIdle();
    },
  };
}

// Nothing was read or written for a while. Who waits for the upstream is left to the time limits of the upstream; who does not
// take what is there would hold its connection, and the upstream's, for as long as it likes (F10).
function onSilence(socket: Socket): void {
  if (!isBusy(socket) || socket.writableLength > 0) socket.destroy();
}

// RFC 9112 section 6.1: HTTP/1.0 has no transfer codings, so whoever sent this, or passed it on, may see another end of it (F1).
function assertFraming({ httpVersionMinor }: IncomingMessage, { hasBody, contentLength }: InspectedHeaders): void {
  if (httpVersionMinor === 0 && hasBody && contentLength === undefined) {
    throw new Failure('request_malformed', 'Transfer-Encoding in HTTP/1.0');
  }
}

/** One request on its way through the edge. */
class EdgeRequest implements ForwardObserver {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: EdgeOptions;
  readonly #state: { readonly draining: boolean };
  readonly #startMs = performance.now();
  #waitsToContinue: boolean;
  #route: Route | undefined = undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    waits: boolean,
    options: EdgeOptions,
    state: { draining: boolean },
  ) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
    this.#state = state;
    this.#waitsToContinue = waits;
    response.on('close', this.#onClose);
  }

  /** Decides at once on a warm cache, later otherwise. Every error on the way refuses (E13). */
  start(): void {
    try {
      const headers = inspectHeaders(this.#request.rawHeaders);
      assertFraming(this.#request, headers);
      if (headers.removedTxnTokens > 0) this.#options.observer.removedTxnTokens(headers.removedTxnTokens);
      const decision = this.#options.decide({
        method: this.#request.method!,
        host: headers.host,
        target: this.#request.url!,
        headers,
      });
      if (decision instanceof Promise) this.#later(decision, headers).catch((thrown: unknown) => this.#refuse(thrown));
      else this.#forward(decision, headers);
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  failed(error: WatchwordError): void {
    this.#refuse(error);
  }

  brokenOff(error: WatchwordError): void {
    this.#options.observer.refused(error, this.#route, this.#request.method!);
  }

  closing(): boolean {
    return this.#state.draining;
  }

  async #later(pending: Promise<Decision>, headers: InspectedHeaders): Promise<void> {
    this.#forward(await pending, headers);
  }

  #forward(decision: Decision, headers: InspectedHeaders): void {
    this.#route = decision.route;
    if (this.#response.destroyed) return;
    const body = this.#body(headers);
    const txnToken = Decision.txnTokenOf(decision);
    forward(
      this.#options.upstreams.get(decision.upstream),
      {
        method: this.#request.method!,
        // The target itself, not a copy made from parts: what was decided on is what goes out (E6).
        target: this.#request.url!,
        headers: this.#withOurs(headers, txnToken),
        body,
        authenticated: txnToken !== undefined,
      },
      this.#response,
      this,
    );
  }

  #body({ hasBody, contentLength }: InspectedHeaders): RequestBody | null {
    const { bodyBytes } = this.#options.limits;
    if (contentLength !== undefined && contentLength > bodyBytes) {
      throw new Failure('body_too_large', `The request declares more than ${bodyBytes} bytes`);
    }
    if (this.#waitsToContinue) {
      this.#waitsToContinue = false;
      this.#response.writeContinue();
    }
    return hasBody ? new RequestBody(this.#request, bodyBytes) : null;
  }

  // Added after everything of the client's was removed, so that ours are the only ones (E1, E2, E5).
  #withOurs({ forwarded, host }: InspectedHeaders, txnToken: string | undefined): string[] {
    forwarded.push('x-forwarded-for', this.#request.socket.remoteAddress ?? 'unknown');
    forwarded.push('x-forwarded-proto', 'http', 'x-forwarded-host', host);
    if (txnToken !== undefined) forwarded.push('txn-token', txnToken);
    return forwarded;
  }

  #refuse(thrown: unknown): void {
    const error = toWatchwordError(thrown);
    if (error instanceof Refusal && error.route !== undefined) this.#route = error.route;
    this.#options.observer.refused(error, this.#route, this.#request.method!);
    if (this.#response.destroyed) return;
    if (this.#response.headersSent) this.#response.destroy();
    // Whoever still waits to send a body must not send it after this answer as if it were the next request.
    else answerRefusal(this.#request, this.#response, error, this.#state.draining || this.#waitsToContinue);
  }

  readonly #onClose = (): void => {
    const status = this.#response.writableFinished ? this.#response.statusCode : 499;
    this.#options.observer.answered(this.#route, status, performance.now() - this.#startMs);
    // Answers that were started before the drain promised to keep the connection.
    if (this.#state.draining) this.#request.socket.destroySoon();
  };
}
