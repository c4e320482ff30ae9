/** A call over HTTP/2: what one stream of a connection asks for. How it is answered: `http2-reply.ts`. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { WatchwordError } from '@watchword/core';
import { isGrpc } from '../grpc.ts';
import { type InspectedHeaders, inspectHeaders } from '../headers/request-headers.ts';
import type { ClientCall } from './client-call.ts';
import { readHttp2Fields } from './http2-fields.ts';
import { Http2Reply } from './http2-reply.ts';
import { RequestBody } from './request-body.ts';

/** What all streams of one connection have in common. */
export interface Http2Peer {
  readonly scheme: 'http' | 'https';
  readonly address: string;
  readonly clientCertificate: Buffer | undefined;
}

/** Wraps a request of Node's HTTP/2 server. */
export class Http2Call extends Http2Reply implements ClientCall {
  readonly #headers: IncomingHttpHeaders;
  readonly #raw: readonly string[];
  readonly #peer: Http2Peer;
  #waitsToContinue = false;
  #isEndless = false;
  #body: RequestBody | undefined;
  #isUnwanted = false;
  #hasInput = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[], peer: Http2Peer) {
    super(stream);
    this.#headers = headers;
    this.#raw = raw;
    this.#peer = peer;
  }

  get method(): string {
    return this.#headers[':method'] ?? '';
  }

  get target(): string {
    return this.#headers[':path'] ?? '';
  }

  get scheme(): 'http' | 'https' {
    return this.#peer.scheme;
  }

  get peer(): string {
    return this.#peer.address;
  }

  get clientCertificate(): Buffer | undefined {
    return this.#peer.clientCertificate;
  }

  /** By its content type: a refusal is then told the way that gRPC reads. */
  get speaksGrpc(): boolean {
    return isGrpc(this.#headers['content-type']);
  }

  /** Whether the request may take as long as it likes to arrive. */
  get isEndless(): boolean {
    return this.#isEndless;
  }

  inspect(): InspectedHeaders {
    const { fields, takesTrailers, waitsToContinue } = readHttp2Fields(this.#raw);
    this.takesTrailers = takesTrailers;
    this.#waitsToContinue = waitsToContinue;
    return inspectHeaders(fields, !this.stream.endAfterHeaders);
  }

  openBody({ hasBody, contentLength }: InspectedHeaders, limitBytes: number): RequestBody | null {
    if (contentLength !== undefined && contentLength > limitBytes) {
      throw new WatchwordError('body_too_large', `The request declares more than ${limitBytes} bytes`);
    }
    const { stream } = this;
    if (this.#waitsToContinue && !this.gone) stream.additionalHeaders({ ':status': 100 });
    if (!hasBody) return null;
    this.#isEndless = limitBytes === Infinity;
    this.#body = new RequestBody(stream, limitBytes, {
      isCut: () => stream.closed || stream.aborted,
      discard: () => {
        this.#isUnwanted = true;
        this.#dropBody();
      },
    });
    return this.#body;
  }

  /** All of the request is here, or the stream is over. */
  onInputEnd(): void {
    this.#hasInput = true;
    if (this.stream.closed) this.#body?.destroy(new Error('The client closed the stream'));
    if (this.#isUnwanted) this.#dropBody();
  }

  endEarly(error: WatchwordError): void {
    const { grpc, title } = error.facts;
    if (this.speaksGrpc && this.takesTrailers && this.stream.writable) {
      this.end(undefined, ['grpc-status', String(grpc), 'grpc-message', encodeURIComponent(title)]);
    } else this.breakOff();
  }

  refuse(status: number, fields: string[], body: string): void {
    if (this.gone) return;
    this.start(status, fields);
    this.end(body === '' ? undefined : Buffer.from(body));
  }

  // Flow control holds the rest back until the answer is out. What has ended has to be read to its end: Node keeps the stream, and
  // we its place, as long as there is something to read.
  #dropBody(): void {
    if (this.#hasInput || this.stream.closed) this.stream.resume();
    else this.stream.pause();
  }
}
