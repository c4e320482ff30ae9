/** A request on its way upstream, and what is to be known of it beforehand. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { KeptBody } from './kept-body.ts';
import { isIdempotent } from './retry-policy.ts';
import type { Upstream } from './upstream.ts';

/** What goes upstream. */
export interface ForwardedRequest {
  readonly method: string;
  /** The request target that was decided on, query included. */
  readonly target: string;
  /** Name, value, name, value, ... */
  readonly headers: string[];
  readonly body: Readable | null;
  /** Whom a slow body is put down to. Undefined: nobody. */
  readonly client?: string | undefined;
  /** Whether the answer belongs to an authenticated caller. */
  readonly authenticated: boolean;
  /** Longest silence inside the answer, instead of the upstream's own; 0: no limit. */
  readonly bodyTimeoutMs?: number | null;
  /** What the client wants to change to. */
  readonly upgrade?: ForwardedUpgrade | undefined;
}

/** A change of protocol (RFC 9110 section 7.8). */
export interface ForwardedUpgrade {
  readonly to: 'websocket';
  /** The upstream has said 101; from here on its connection is somebody else's. @throws WatchwordError */
  done(headers: IncomingHttpHeaders, socket: Duplex): void;
}

/** What may have to be sent a second time: without that a refused stream of a POST could only be answered with 502. */
export function keptBody({ retries, keepsBodies }: Upstream, { method, body }: ForwardedRequest): KeptBody | undefined {
  if (body === null || retries === 0) return undefined;
  return keepsBodies || isIdempotent(method) ? new KeptBody(body) : undefined;
}

/** Bytes of the body as far as its field tells; of one of unknown length nothing is known but what the connection counts. */
export function declaredLength(headers: readonly string[]): number {
  for (let index = 0; index < headers.length; index += 2)
    if (headers[index]!.length === 14 && headers[index]!.toLowerCase() === 'content-length') return Number(headers[index + 1]);
  return 0;
}
