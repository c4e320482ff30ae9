/** One request on one stream of HTTP/2, and its answer (`http2-answer.ts`), within its limits of time. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  constants,
} from 'node:http2';
import type { Readable } from 'node:stream';
import type { UpstreamConfig } from '../config/config.ts';
import { Http2Answer } from './http2-answer.ts';
import type { Http2Connection } from './http2-connection.ts';
import { notSent, streamReset } from './http2-failure.ts';
import { type RequestForm, http2Headers } from './http2-headers.ts';
import type { Exchange, Flow, TargetRequest } from './target.ts';

const { NGHTTP2_CANCEL } = constants;

/** Looks at what is about to be sent. */
type WatchFields = (session: ClientHttp2Session, headers: OutgoingHttpHeaders) => void;

/** Waits for a connection, then carries one exchange. The answer may start and end before the request does. */
export class Http2Exchange extends Http2Answer implements Flow {
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
  #isPaused = false;
  #isOver = false;

  constructor(request: TargetRequest, receiver: Exchange, config: UpstreamConfig, form: RequestForm, watch: WatchFields) {
    super();
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
      this.fail(notSent(error));
      return;
    }
    this.#setTimer(this.#config.responseTimeoutMs);
    // Known at once on a connection that is there; it is gone from the stream when that has ended.
    this.#streamId = this.#stream.id;
    this.listen(this.#stream);
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

  protected onHead(headers: IncomingHttpHeaders): void {
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

  protected onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#connection!.heard();
    this.#timer?.refresh();
    this.#receiver.onResponseData(this, chunk);
  }

  protected onWhole(trailers: IncomingHttpHeaders): void {
    if (this.#isOver) return;
    this.#end();
    this.#receiver.onResponseEnd(this, trailers);
  }

  protected onClosed(stream: ClientHttp2Stream, error: Error | undefined): void {
    if (!this.#isOver) this.fail(streamReset(stream, this.#streamId, this.#connection!, error));
  }

  protected onRoom(): void {
    this.#request.body?.resume();
  }

  #pump(body: Readable, stream: ClientHttp2Stream): void {
    body.on('data', (chunk: Buffer) => {
      // The time for the answer counts from the last part of the request.
      this.#timer?.refresh();
      // A target that has answered may want no more (RFC 9113 section 8.1). Writing all the same would be an error, after which
      // Node never tells that the answer ends.
      if (!this.#isOver && stream.writable && !stream.write(chunk)) body.pause();
    });
    this.listenForRoom(stream);
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
