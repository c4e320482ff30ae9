/** One request of a client and the answer to it, whatever protocol it came by: what the edge and the upstream side work with. */
import type { Readable } from 'node:stream';
import type { WatchwordError } from '@watchword/core';
import type { InspectedHeaders } from '../headers/request-headers.ts';

/** What the upstream side needs to give an answer. */
export interface Reply {
  /** Whether a status has been written: no other answer is possible. */
  readonly started: boolean;
  /** Whether nobody is there any more to read it. */
  readonly gone: boolean;
  /** Writes status and fields (name, value, name, value, ...). Fields about the connection to the client are the protocol's own. */
  start(status: number, fields: string[]): void;
  /** Writes a piece of the body. False: more should wait for `onDrain`. */
  write(chunk: Buffer): boolean;
  /**
   * Ends the answer, with its last piece if there is one. Trailers (name, value, ...) reach clients of HTTP/2 only: gRPC lives by
   * them, and in HTTP/1.1 they may be dropped (RFC 9110 section 6.5.1).
   */
  end(last?: Buffer, trailers?: readonly string[]): void;
  /** Ends the answer so that it cannot pass for a whole one. */
  breakOff(): void;
  /** Called whenever there is room for more. */
  onDrain(listener: () => void): void;
  /** Called once, when the answer is out or the client has gone. */
  onClose(listener: () => void): void;
}

/** A request with the place for its answer. */
export interface ClientCall extends Reply {
  readonly method: string;
  /** Origin-form target with its query, as received. */
  readonly target: string;
  readonly scheme: 'http' | 'https';
  /** Address of the peer. */
  readonly peer: string;
  /** The certificate (DER) that the client has proven to own in its TLS handshake (RFC 8705); undefined: none. */
  readonly clientCertificate: Buffer | undefined;
  /** Whether answers of our own have to be told as gRPC tells them. */
  readonly speaksGrpc: boolean;
  /** The status of a whole answer that went out; undefined: none did. */
  readonly answered: number | undefined;
  /** Checks the fields and splits them. @throws WatchwordError `request_malformed`, `token_ambiguous` */
  inspect(): InspectedHeaders;
  /** The body to forward; null: there is none. Tells a client that waits for it to go on. It fails with `body_too_large` beyond the limit; without one (Infinity) it also has no limit in time. */
  openBody(headers: InspectedHeaders, limitBytes: number): Readable | null;
  /** Ends an answer that has begun, so that the client gets to know why where the protocol has words for that. */
  endEarly(error: WatchwordError): void;
  /** Gives an answer of our own. What is left of the request's body is dropped. */
  refuse(status: number, fields: string[], body: string): void;
}
