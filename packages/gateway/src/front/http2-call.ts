/**
 * A call over HTTP/2: one stream of a connection.
 *
 * V8 keeps each of Node's writable streams until it collects old objects: their constructor makes a function that V8 puts among
 * these at once, and it holds the stream. So all that hangs on a stream is one reference to its call, which goes when it closes; or
 * each collection of young objects would copy the whole request, and everybody waits for that.
 */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream, constants } from 'node:http2';
import { WatchwordError } from '@watchword/core';
import { isGrpc } from '../grpc.ts';
import { type InspectedHeaders, inspectHeaders } from '../headers/request-headers.ts';
import type { ClientCall } from './client-call.ts';
import { readHttp2Fields } from './http2-fields.ts';
import { RequestBody } from './request-body.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR } = constants;

/** What all streams of one connection have in common. */
export interface Http2Peer {
  readonly scheme: 'http' | 'https';
  readonly address: string;
  readonly clientCertificate: Buffer | undefined;
}

const CALL: unique symbol = Symbol('call');

type CallStream = ServerHttp2Stream & { [CALL]?: Http2Call | undefined };

/** Wraps a request of Node's HTTP/2 server. */
export class Http2Call implements ClientCall {
  readonly #stream: CallStream;
  readonly #headers: IncomingHttpHeaders;
  readonly #raw: readonly string[];
  readonly #peer: Http2Peer;
  #takesTrailers = false;
  #waitsToContinue = false;
  #status = 0;
  #ended = false;
  #isBroken = false;
  #isEndless = false;
  #body: RequestBody | undefined;
  #isUnwanted = false;
  #hasInput = false;
  #trailers: readonly string[] | undefined;
  #written = 0;
  readonly #onClose: (() => void)[] = [];
  readonly #onDrain: (() => void)[] = [];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[], peer: Http2Peer) {
    this.#stream = stream;
    this.#headers = headers;
    this.#raw = raw;
    this.#peer = peer;
    this.#stream[CALL] = this;
    stream.on('close', onClose);
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

  get answered(): number | undefined {
    const isWhole = this.#ended && this.#stream.writableFinished && this.#stream.rstCode === NGHTTP2_NO_ERROR;
    return isWhole ? this.#status : undefined;
  }

  get started(): boolean {
    return this.#status !== 0;
  }

  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Whether it was the edge that broke it off. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Bytes of the answer that the client has taken. */
  get taken(): number {
    return this.#written - this.#stream.writableLength;
  }

  /** Whether it could take more than it does. */
  get isStalled(): boolean {
    return this.#stream.writableLength > 0;
  }

  /** Whether the request may take as long as it likes to arrive. */
  get isEndless(): boolean {
    return this.#isEndless;
  }

  /** Whether the request has not arrived as a whole. */
  get isSending(): boolean {
    return !this.#stream.endAfterHeaders && !this.#stream.readableEnded;
  }

  inspect(): InspectedHeaders {
    const { fields, takesTrailers, waitsToContinue } = readHttp2Fields(this.#raw);
    this.#takesTrailers = takesTrailers;
    this.#waitsToContinue = waitsToContinue;
    return inspectHeaders(fields, !this.#stream.endAfterHeaders);
  }

  openBody({ hasBody, contentLength }: InspectedHeaders, limitBytes: number): RequestBody | null {
    if (contentLength !== undefined && contentLength > limitBytes) {
      throw new WatchwordError('body_too_large', `The request declares more than ${limitBytes} bytes`);
    }
    const stream = this.#stream;
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
    if (this.#stream.closed) this.#body?.destroy(new Error('The client closed the stream'));
    if (this.#isUnwanted) this.#dropBody();
  }

  start(status: number, fields: string[]): void {
    const headers = toHeaders(fields);
    headers[':status'] = status;
    // gRPC's Trailers-Only form: the client looks for the status where the answer ends. To others it is a field like any other.
    const isTrailersOnly = this.speaksGrpc && headers['grpc-status'] !== undefined;
    const waitForTrailers = this.#takesTrailers && !isTrailersOnly;
    this.#stream.respond(headers, { endStream: isTrailersOnly, waitForTrailers });
    this.#status = status;
    if (waitForTrailers) this.#stream.on('wantTrailers', onWantTrailers);
    else this.#stream.on('finish', onFinish);
  }

  write(chunk: Buffer): boolean {
    if (!this.#stream.writable) return true;
    this.#written += chunk.length;
    return this.#stream.write(chunk);
  }

  end(last?: Buffer, trailers?: readonly string[]): void {
    this.#ended = true;
    this.#trailers = trailers;
    if (!this.#stream.writable) return;
    this.#written += last?.length ?? 0;
    if (last === undefined) this.#stream.end();
    else this.#stream.end(last);
  }

  breakOff(): void {
    this.reset(NGHTTP2_INTERNAL_ERROR);
  }

  /** Ends the stream with RST_STREAM and nothing else. */
  reset(code: number): void {
    this.#isBroken = true;
    // Node ends a stream before it resets it: END_STREAM would go out first, and pass a part of the answer off as the whole.
    // oxlint-disable-next-line no-underscore-dangle -- the name that Node's streams give it
    this.#stream._final = skip;
    this.#stream.close(code);
  }

  endEarly(error: WatchwordError): void {
    const { grpc, title } = error.facts;
    if (this.speaksGrpc && this.#takesTrailers && this.#stream.writable) {
      this.end(undefined, ['grpc-status', String(grpc), 'grpc-message', encodeURIComponent(title)]);
    } else this.breakOff();
  }

  refuse(status: number, fields: string[], body: string): void {
    if (this.gone) return;
    this.start(status, fields);
    this.end(body === '' ? undefined : Buffer.from(body));
  }

  onDrain(listener: () => void): void {
    if (this.#onDrain.push(listener) === 1) this.#stream.on('drain', onDrain);
  }

  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }

  /** The stream has closed. */
  closed(): void {
    this.#stream[CALL] = undefined;
    for (const listener of this.#onClose) listener();
  }

  /** More may be written. */
  drained(): void {
    for (const listener of this.#onDrain) listener();
  }

  // Flow control holds the rest back until the answer is out. What has ended has to be read to its end: Node keeps the stream, and
  // we its place, as long as there is something to read.
  #dropBody(): void {
    if (this.#hasInput || this.#stream.closed) this.#stream.resume();
    else this.#stream.pause();
  }

  /** The body of the answer has gone out. */
  sendTrailers(): void {
    if (this.#stream.destroyed) return;
    try {
      this.#stream.sendTrailers(toHeaders(this.#trailers ?? []));
    } catch {
      // Fields that HTTP/2 does not have; an exception here would end the process (F5).
      this.breakOff();
      return;
    }
    // Only now is the answer whole.
    this.dropRestSoon();
  }

  /**
   * RFC 9113 section 8.1: the answer is whole, so the client need not send the rest of its request. In the same turn of the loop
   * RST_STREAM would overtake the answer (nghttp2 1.70), which would be lost.
   */
  dropRestSoon(): void {
    if (this.isSending) setImmediate(dropRest, this.#stream, this);
  }
}

function onClose(this: CallStream): void {
  this[CALL]?.closed();
}

function onDrain(this: CallStream): void {
  this[CALL]?.drained();
}

function onWantTrailers(this: CallStream): void {
  this[CALL]?.sendTrailers();
}

function onFinish(this: CallStream): void {
  this[CALL]?.dropRestSoon();
}

function dropRest(stream: ServerHttp2Stream, call: Http2Call): void {
  if (!call.isSending || call.gone) return;
  stream.close(NGHTTP2_NO_ERROR);
  stream.resume();
}

function toHeaders(fields: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!.toLowerCase();
    const value = fields[index + 1]!;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = Array.isArray(before) ? [...before, value] : [String(before), value];
  }
  return headers;
}

function skip(callback: () => void): void {
  callback();
}
