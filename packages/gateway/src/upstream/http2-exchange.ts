/**
 * One request on one stream of HTTP/2, and its answer.
 *
 * V8 keeps closed streams until it collects old objects (why: `front/http2-reply.ts`). So all that hangs on one is one reference.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  constants,
} from 'node:http2';
import { Readable } from 'node:stream';
import type { UpstreamConfig } from '../config/config.ts';
import type { Http2Connection } from './http2-connection.ts';
import { type RequestForm, http2Headers } from './http2-headers.ts';
import { type Exchange, type Flow, NotProcessed, type TargetRequest } from './target.ts';

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** Looks at what is about to be sent. */
type WatchFields = (session: ClientHttp2Session, headers: OutgoingHttpHeaders) => void;

const EXCHANGE: unique symbol = Symbol('exchange');

type ExchangeStream = ClientHttp2Stream & { [EXCHANGE]?: Http2Exchange | undefined };

/** Waits for a connection, then carries one exchange. The answer may start and end before the request does. */
export class Http2Exchange implements Flow {
  readonly #request: TargetRequest;
  readonly #receiver: Exchange;
  readonly #config: UpstreamConfig;
  readonly #form: RequestForm;
  readonly #watch: WatchFields;
  #connection: Http2Connection | undefined = undefined;
  #stream: ClientHttp2Stream | undefined = undefined;
  #streamId: number | undefined = undefined;
  #onOver: () => void = () => {};
  #timer: NodeJS.Timeout | undefined = undefined;
  #trailers: IncomingHttpHeaders = {};
  #error: Error | undefined = undefined;
  #isPaused = false;
  #isWhole = false;
  #isOver = false;

  constructor(request: TargetRequest, receiver: Exchange, config: UpstreamConfig, form: RequestForm, watch: WatchFields) {
    this.#request = request;
    this.#receiver = receiver;
    this.#config = config;
    this.#form = form;
    this.#watch = watch;
  }

  /** Opens a stream. @param onOver called once, when the exchange needs the connection no longer */
  start(session: ClientHttp2Session, connection: Http2Connection, onOver: () => void): void {
    this.#connection = connection;
    this.#onOver = onOver;
    this.#receiver.onRequestStart(this);
    if (this.#isOver) return;
    const { body } = this.#request;
    try {
      const headers = http2Headers(this.#request, this.#form);
      this.#watch(session, headers);
      this.#stream = session.request(headers, { endStream: body === null });
    } catch (error) {
      this.fail(refusedByNode(error));
      return;
    }
    this.#setTimer(this.#config.responseTimeoutMs);
    this.#listen(this.#stream);
    if (body !== null) this.#pump(body, this.#stream);
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#timer?.refresh();
    this.#stream?.resume();
  }

  abort(reason: Error): void {
    this.fail(reason);
  }

  /** Ends it without an answer, or in the middle of one. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#receiver.onResponseError(this, error);
  }

  #listen(stream: ExchangeStream): void {
    stream[EXCHANGE] = this;
    // Known at once on a connection that is there; it is gone from the stream when that has ended.
    this.#streamId = stream.id;
    const { push, response, trailers, data, end, error, close } = Http2Exchange.#listeners;
    stream.push = push;
    stream.on('response', response).on('trailers', trailers).on('data', data).on('end', end).on('error', error);
    stream.on('close', close);
  }

  static readonly #listeners = {
    // Node emits `end` for a stream that was reset or lost its connection too, and a cut-off answer would pass for a whole one; only
    // the order of things tells them apart: the mark for the end of the data is put before the stream closes, or after.
    push(this: ExchangeStream, chunk: unknown, encoding?: BufferEncoding): boolean {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined && chunk === null && !this.closed) exchange.#isWhole = true;
      return Readable.prototype.push.call(this, chunk, encoding);
    },
    response(this: ExchangeStream, headers: IncomingHttpHeaders): void {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) exchange.#onResponse(headers);
    },
    trailers(this: ExchangeStream, trailers: IncomingHttpHeaders): void {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) exchange.#trailers = trailers;
    },
    data(this: ExchangeStream, chunk: Buffer): void {
      const exchange = this[EXCHANGE];
      if (exchange === undefined) return;
      exchange.#onData(chunk);
      exchange.#endAfterError(this);
    },
    end(this: ExchangeStream): void {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined && exchange.#isWhole) exchange.#succeed();
    },
    error(this: ExchangeStream, error: Error): void {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) exchange.#onError(error, this);
    },
    close(this: ExchangeStream): void {
      const exchange = this[EXCHANGE];
      this[EXCHANGE] = undefined;
      if (exchange !== undefined) exchange.fail(exchange.#reasonOf(this));
    },
    goOn(this: ExchangeStream): void {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) exchange.#request.body?.resume();
    },
  };

  #onResponse(headers: IncomingHttpHeaders): void {
    if (this.#isOver) return;
    const status = Number(headers[':status']);
    delete headers[':status'];
    this.#connection!.heard();
    this.#setTimer(this.#request.bodyTimeout ?? this.#config.bodyTimeoutMs);
    try {
      this.#receiver.onResponseStart(this, status, headers);
    } catch (error) {
      // A status or a field that cannot be passed on, or a client that has just left: an exception here would end the process (F5).
      this.fail(error as Error);
    }
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#connection!.heard();
    this.#timer?.refresh();
    this.#receiver.onResponseData(this, chunk);
  }

  // Where the rest of a request could not be written Node ends neither the stream nor, ever, its data. The answer may be whole.
  #onError(error: Error, stream: ClientHttp2Stream): void {
    this.#error ??= error;
    if (this.#isWhole) this.#endAfterError(stream);
    else stream.destroy();
  }

  #endAfterError(stream: ClientHttp2Stream): void {
    if (this.#isWhole && stream.errored !== null && stream.readableLength === 0) this.#succeed();
  }

  #succeed(): void {
    if (this.#isOver) return;
    this.#end();
    this.#receiver.onResponseEnd(this, this.#trailers);
  }

  #pump(body: Readable, stream: ClientHttp2Stream): void {
    body.on('data', (chunk: Buffer) => {
      // The time for the answer counts from the last part of the request.
      this.#timer?.refresh();
      // A target that has answered may want no more (RFC 9113 section 8.1). Writing all the same would be an error, after which
      // Node never tells that the answer ends.
      if (!this.#isOver && stream.writable && !stream.write(chunk)) body.pause();
    });
    const { goOn } = Http2Exchange.#listeners;
    stream.on('drain', goOn).on('aborted', goOn);
    body.on('end', () => {
      if (!this.#isOver) stream.end();
    });
    // A cut-off body must not look like a whole one: the stream is reset.
    body.on('error', (error) => this.fail(error));
    body.on('close', () => {
      if (!body.readableEnded) this.fail(new Error('The request body broke off'));
    });
  }

  #setTimer(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = afterMs === 0 ? undefined : setTimeout(() => this.#onSilence(), afterMs);
  }

  // Who does not take what is there is the client's matter, not the target's.
  #onSilence(): void {
    if (this.#isPaused) {
      this.#timer?.refresh();
      return;
    }
    // It may be the connection that is dead, and the next request would wait as long.
    this.#connection!.probe();
    this.fail(Object.assign(new Error('No answer in time'), { code: 'UPSTREAM_SILENT' }));
  }

  #reasonOf(stream: ClientHttp2Stream): Error {
    const connection = this.#connection!;
    if (stream.rstCode === NGHTTP2_REFUSED_STREAM || connection.skipped(this.#streamId)) return new NotProcessed(this.#error);
    const code = (this.#error as { code?: unknown } | undefined)?.code;
    if (typeof code === 'string' && !code.startsWith('ERR_HTTP2_STREAM')) return this.#error!;
    return Object.assign(new Error('The stream was reset', { cause: this.#error }), {
      code: connection.isOver ? 'UPSTREAM_CLOSED' : 'UPSTREAM_STREAM_RESET',
    });
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const stream = this.#stream;
    // An answer may be whole before the request is: what is left of it is not wanted (RFC 9113 section 8.1).
    if (stream !== undefined && !stream.closed) stream.close(NGHTTP2_CANCEL);
    stream?.resume();
    this.#onOver();
  }
}

// Thrown before anything was sent: either the session is on its way out, or the fields are not ones that HTTP/2 allows.
function refusedByNode(error: unknown): Error {
  const code = String((error as { code?: unknown }).code);
  if (/SESSION|STREAMS/.test(code)) return new NotProcessed(error);
  return Object.assign(new Error('The request cannot be sent', { cause: error }), { code: 'UND_ERR_INVALID_ARG' });
}
