/**
 * The answer on one stream of HTTP/2: it ends whole, with its trailers, or it is reset.
 *
 * V8 keeps each of Node's writable streams until it collects old objects: their constructor makes a function that V8 puts among
 * these at once, and it holds the stream. So all that hangs on a stream is one reference, to its reply, which goes when it closes; or
 * each collection of young objects would copy the whole request, and everybody waits for that.
 */
import { type ServerHttp2Stream, constants } from 'node:http2';
import type { Reply } from './client-call.ts';
import { answerHeaders } from './http2-answer-headers.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR } = constants;

const REPLY: unique symbol = Symbol('reply');

type ReplyStream = ServerHttp2Stream & { [REPLY]?: Http2Reply | undefined };

/** The part of a call that answers it: one object with the part that asks, so that a request makes no more of them. */
export abstract class Http2Reply implements Reply {
  protected readonly stream: ReplyStream;
  /** Whether the client has said so. */
  protected takesTrailers = false;
  #status = 0;
  #ended = false;
  #isBroken = false;
  #trailers: readonly string[] | undefined;
  #written = 0;
  readonly #onClose: (() => void)[] = [];
  readonly #onDrain: (() => void)[] = [];

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream;
    this.stream[REPLY] = this;
    stream.on('close', onClose);
  }

  abstract get speaksGrpc(): boolean;

  get answered(): number | undefined {
    const isWhole = this.#ended && this.stream.writableFinished && this.stream.rstCode === NGHTTP2_NO_ERROR;
    return isWhole ? this.#status : undefined;
  }

  get started(): boolean {
    return this.#status !== 0;
  }

  get gone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  /** Whether it was the edge that broke it off. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Bytes of the answer that the client has taken. */
  get taken(): number {
    return this.#written - this.stream.writableLength;
  }

  /** Whether it could take more than it does. */
  get isStalled(): boolean {
    return this.stream.writableLength > 0;
  }

  /** Whether the request has not arrived as a whole. */
  get isSending(): boolean {
    return !this.stream.endAfterHeaders && !this.stream.readableEnded;
  }

  start(status: number, fields: string[]): void {
    const headers = answerHeaders(fields);
    headers[':status'] = status;
    // gRPC's Trailers-Only form: the client looks for the status where the answer ends. To others it is a field like any other.
    const isTrailersOnly = this.speaksGrpc && headers['grpc-status'] !== undefined;
    const waitForTrailers = this.takesTrailers && !isTrailersOnly;
    this.stream.respond(headers, { endStream: isTrailersOnly, waitForTrailers });
    this.#status = status;
    if (waitForTrailers) this.stream.on('wantTrailers', onWantTrailers);
    else this.stream.on('finish', onFinish);
  }

  write(chunk: Buffer): boolean {
    if (!this.stream.writable) return true;
    this.#written += chunk.length;
    return this.stream.write(chunk);
  }

  end(last?: Buffer, trailers?: readonly string[]): void {
    this.#ended = true;
    this.#trailers = trailers;
    if (!this.stream.writable) return;
    this.#written += last?.length ?? 0;
    if (last === undefined) this.stream.end();
    else this.stream.end(last);
  }

  breakOff(): void {
    this.reset(NGHTTP2_INTERNAL_ERROR);
  }

  /** Ends the stream with RST_STREAM and nothing else. */
  reset(code: number): void {
    this.#isBroken = true;
    // Node ends a stream before it resets it: END_STREAM would go out first, and pass a part of the answer off as the whole.
    // oxlint-disable-next-line no-underscore-dangle -- the name that Node's streams give it
    this.stream._final = skip;
    this.stream.close(code);
  }

  onDrain(listener: () => void): void {
    if (this.#onDrain.push(listener) === 1) this.stream.on('drain', onDrain);
  }

  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }

  /** The stream has closed. */
  closed(): void {
    this.stream[REPLY] = undefined;
    for (const listener of this.#onClose) listener();
  }

  /** More may be written. */
  drained(): void {
    for (const listener of this.#onDrain) listener();
  }

  /** The body of the answer has gone out. */
  sendTrailers(): void {
    if (this.stream.destroyed) return;
    try {
      this.stream.sendTrailers(answerHeaders(this.#trailers ?? []));
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
    if (this.isSending) setImmediate(dropRest, this.stream, this);
  }
}

function onClose(this: ReplyStream): void {
  this[REPLY]?.closed();
}

function onDrain(this: ReplyStream): void {
  this[REPLY]?.drained();
}

function onWantTrailers(this: ReplyStream): void {
  this[REPLY]?.sendTrailers();
}

function onFinish(this: ReplyStream): void {
  this[REPLY]?.dropRestSoon();
}

function dropRest(stream: ServerHttp2Stream, reply: Http2Reply): void {
  if (!reply.isSending || reply.gone) return;
  stream.close(NGHTTP2_NO_ERROR);
  stream.resume();
}

function skip(callback: () => void): void {
  callback();
}
