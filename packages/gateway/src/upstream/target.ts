/** What one address of an upstream can do, whatever protocol it speaks. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';

/** A request as a target gets it. */
export interface TargetRequest {
  readonly method: string;
  /** Origin form, query included. */
  readonly path: string;
  /** Name, value, name, value, ...; without Host and without fields of a connection. */
  readonly headers: string[];
  readonly body: Readable | null;
  /** Longest silence inside the answer in ms, instead of the configured one; 0: no limit. */
  readonly bodyTimeout?: number | null;
  /** What to change to; targets of HTTP/1.1 only. */
  readonly upgrade?: 'websocket' | null;
}

/** What the receiver of an answer can do about it. */
export interface Flow {
  /** No more data for now. */
  pause(): void;
  resume(): void;
  /** Gives the exchange up. Is told as `onResponseError` with this reason, unless the exchange is over. */
  abort(reason: Error): void;
}

/**
 * Who waits for an answer. The form is that of undici's handlers, so that HTTP/1.1 has nothing in between. Exactly one of
 * `onResponseEnd` and `onResponseError` comes last.
 */
export interface Exchange {
  /** From here on the target may get to see the request. As long as this was not called it has not seen a byte. */
  onRequestStart(flow: Flow): void;
  /** Status and fields; below 200 another one follows. */
  onResponseStart(flow: Flow, status: number, headers: IncomingHttpHeaders): void;
  /** The target has changed protocols (101). Comes instead of everything after `onRequestStart`, `onResponseEnd` included. */
  onRequestUpgrade?(flow: Flow, status: number, headers: IncomingHttpHeaders, socket: Duplex): void;
  onResponseData(flow: Flow, chunk: Buffer): void;
  /** The whole answer has arrived. */
  onResponseEnd(flow: Flow, trailers: IncomingHttpHeaders): void;
  /** There will be no more. What a `NotProcessed` says can be relied on. `flow` is missing where there was never any. */
  onResponseError(flow: Flow | undefined, error: Error): void;
}

/** The connections to one address. */
export interface Target {
  /** Requests that it takes at a time. May change when the peer says so. */
  readonly capacity: number;
  /** Trailers may follow even when all bytes of a declared length are there. */
  readonly hasTrailers: boolean;
  /** Sends a request. Everything that happens then is told to `exchange`, at once or later. */
  send(request: TargetRequest, exchange: Exchange): void;
  /** Waits for running exchanges, then closes the connections. */
  close(): Promise<void>;
  /** Closes them now; running exchanges fail. */
  destroy(): Promise<void>;
}

/** The target says that it has not done anything with the request (RFC 9113 section 8.7). */
export class NotProcessed extends Error {
  override readonly name = 'NotProcessed';
  readonly code = 'UPSTREAM_NOT_PROCESSED';

  constructor(cause?: unknown) {
    super('The target did not process the request', { cause });
  }
}
