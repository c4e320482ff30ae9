/** The clients of one target, one connection each, and who uses them. */
import { type Client, errors } from 'undici';
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Exchange, Flow, TargetRequest } from './target.ts';

/**
 * undici's pool looks through all of its clients twice for every request; here those without one stand in a list, and who was used
 * last is used next.
 *
 * A line is free as soon as its answer has ended. Its client, which keeps requests one behind the other, sends the next one when it
 * is sure of its connection, a turn of the event loop later. Where the next one comes within that turn, the connection was never
 * idle, and nothing of what that takes is done and undone: a time limit, its reference, an event.
 */
export class Http1Lines {
  readonly #most: number;
  readonly #create: () => Client;
  readonly #all: Client[] = [];
  readonly #free: Client[] = [];
  // A place in the waiting room gets free a moment before the connection does.
  readonly #waiting: [TargetRequest, Exchange][] = [];
  #isClosing = false;
  #onDrained: (() => void) | undefined = undefined;

  /** @param most lines, made when they are needed */
  constructor(most: number, create: () => Client) {
    this.#most = most;
    this.#create = create;
  }

  /** Sends a request over a line that is free, or over the next one that is. */
  send(request: TargetRequest, exchange: Exchange): void {
    if (this.#isClosing) return exchange.onResponseError(undefined, new errors.ClientClosedError());
    const line = this.#free.pop() ?? (this.#all.length < this.#most ? this.#open() : undefined);
    if (line === undefined) this.#waiting.push([request, exchange]);
    else this.#dispatch(line, request, exchange);
  }

  /** Waits for running exchanges, then closes the connections. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#waiting.length > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve));
    await Promise.all(this.#all.map((line) => line.close()));
  }

  /** Closes them now; running exchanges fail. */
  async destroy(): Promise<void> {
    this.#isClosing = true;
    for (const [, exchange] of this.#waiting.splice(0)) exchange.onResponseError(undefined, new errors.ClientDestroyedError());
    this.#onDrained?.();
    await Promise.all(this.#all.map((line) => line.destroy()));
  }

  #dispatch(line: Client, request: TargetRequest, exchange: Exchange): void {
    line.dispatch(request, new Turn(exchange, line, this.#release));
  }

  #open(): Client {
    const client = this.#create();
    this.#all.push(client);
    return client;
  }

  readonly #release = (line: Client): void => {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#dispatch(line, ...next);
      if (this.#waiting.length === 0) this.#onDrained?.();
      return;
    }
    this.#free.push(line);
  };
}

/** One exchange on a line. Its end frees the line for the next. */
class Turn implements Exchange {
  readonly #exchange: Exchange;
  readonly #release: (line: Client) => void;
  #line: Client | undefined;

  constructor(exchange: Exchange, line: Client, release: (line: Client) => void) {
    this.#exchange = exchange;
    this.#line = line;
    this.#release = release;
  }

  onRequestStart(flow: Flow): void {
    this.#exchange.onRequestStart(flow);
  }

  onResponseStart(flow: Flow, status: number, headers: IncomingHttpHeaders): void {
    this.#exchange.onResponseStart(flow, status, headers);
  }

  onRequestUpgrade(flow: Flow, status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    this.#end();
    this.#exchange.onRequestUpgrade!(flow, status, headers, socket);
  }

  onResponseData(flow: Flow, chunk: Buffer): void {
    this.#exchange.onResponseData(flow, chunk);
  }

  onResponseEnd(flow: Flow, trailers: IncomingHttpHeaders): void {
    this.#end();
    this.#exchange.onResponseEnd(flow, trailers);
  }

  onResponseError(flow: Flow | undefined, error: Error): void {
    this.#end();
    this.#exchange.onResponseError(flow, error);
  }

  // Once: who throws when it is told of the end is told of an error, too.
  #end(): void {
    const line = this.#line;
    this.#line = undefined;
    if (line !== undefined) this.#release(line);
  }
}
