/**
 * A unary call of gRPC on a stream of `node:http2` (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), without compression.
 *
 * V8 keeps each of Node's writable streams until it collects old objects: their constructor makes a function that V8 puts among
 * these at once, and it holds the stream. So nothing of a call stays on a stream that has closed, not even a listener of its own:
 * each collection of young objects would copy it, and every caller waits for that.
 */
import process from 'node:process';
import { type IncomingHttpHeaders, type ServerHttp2Stream, constants } from 'node:http2';
import { GRPC_PREFIX_BYTES, frameGrpc, isGrpc } from '../../grpc.ts';

const { NGHTTP2_NO_ERROR } = constants;

/** Answers, at once or later, by one call of `answer` or `fail`. */
export type GrpcMethod = (request: Buffer, call: GrpcCall) => void;

/** By path. */
export type GrpcMethods = ReadonlyMap<string, GrpcMethod>;

/** Codes of gRPC that a call can end with here (github.com/grpc/grpc/blob/master/doc/statuscodes.md). */
export const GRPC_STATUS = {
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
} as const;

/** One of them. */
export type GrpcStatus = (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS];

/** A description of a request is as long as its header; bodies are not looked at. Beyond it the call fails (F6). */
const LONGEST_MESSAGE = 1_048_576;

const CONTENT_TYPE = 'application/grpc';
const ANSWER = { ':status': 200, 'content-type': CONTENT_TYPE };
/** As a list: Node keeps what it was given, where it would copy an object into a larger one for each stream. Not in Node 22. */
const ANSWER_FIELDS: typeof ANSWER | readonly string[] =
  Number.parseInt(process.versions.node, 10) >= 26 ? [':status', '200', 'content-type', CONTENT_TYPE] : ANSWER;
const OK = { 'grpc-status': '0' };
// `date` would be added to the list, each time.
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const WITHOUT_BODY = { endStream: true };

const CALL: unique symbol = Symbol('call');

type CallStream = ServerHttp2Stream & { [CALL]?: GrpcCall | undefined };

/** Takes a stream that a client has opened. */
export function openCall(stream: CallStream, headers: IncomingHttpHeaders, methods: GrpcMethods): void {
  stream.on('error', ignore);
  // Opened and reset by what came in one read.
  if (stream.destroyed) return;
  if (headers[':method'] !== 'POST') return endWith(stream, { ':status': 405 });
  if (!isGrpc(headers['content-type'])) return endWith(stream, { ':status': 415 });
  const method = methods.get(headers[':path'] ?? '');
  if (method === undefined) return endWith(stream, statusFields(GRPC_STATUS.unimplemented, 'unknown method'));
  stream[CALL] = new GrpcCall(stream, method, headers['grpc-timeout']);
  stream.on('data', onData).on('end', onEnd).on('wantTrailers', onWantTrailers).on('close', onClose);
}

/** A call that waits for its answer. */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream;
  readonly #method: GrpcMethod;
  readonly #timeout: string | string[] | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #isAnswered = false;
  #deadline: NodeJS.Timeout | undefined = undefined;

  constructor(stream: ServerHttp2Stream, method: GrpcMethod, timeout: string | string[] | undefined) {
    this.#stream = stream;
    this.#method = method;
    this.#timeout = timeout;
  }

  /** Whether nobody waits any more: the client has left, or its deadline has passed. */
  get gone(): boolean {
    return this.#isAnswered || this.#stream.closed || this.#stream.destroyed;
  }

  /** Ends the call well. */
  answer(message: Buffer): void {
    if (this.gone) return;
    this.#end();
    this.#stream.respond(ANSWER_FIELDS, WITH_TRAILERS);
    this.#stream.end(frameGrpc(message));
  }

  /** Ends the call without an answer. @param details in printable ASCII */
  fail(status: GrpcStatus, details: string): void {
    if (this.gone) return;
    this.#end();
    endWith(this.#stream, statusFields(status, details));
  }

  /** A part of the request. */
  take(chunk: Buffer): void {
    if (this.gone) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > GRPC_PREFIX_BYTES + LONGEST_MESSAGE) this.fail(GRPC_STATUS.resourceExhausted, 'the message is too long');
  }

  /** The request is whole. */
  run(): void {
    if (this.gone) return;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    if (bytes.length < GRPC_PREFIX_BYTES || bytes.readUInt32BE(1) !== bytes.length - GRPC_PREFIX_BYTES) {
      this.fail(GRPC_STATUS.internal, 'the request is not one message');
    } else if (bytes[0] !== 0) this.fail(GRPC_STATUS.unimplemented, 'messages are not compressed here');
    else this.#decide(bytes.subarray(GRPC_PREFIX_BYTES));
  }

  /** The stream has closed. */
  leave(): void {
    this.#end();
  }

  // Most are answered before anybody needs a clock.
  #decide(message: Buffer): void {
    this.#method(message, this);
    const timeoutMs = timeoutMsOf(this.#timeout);
    if (this.gone || timeoutMs === undefined) return;
    this.#deadline = setTimeout(() => this.fail(GRPC_STATUS.deadlineExceeded, 'the deadline has passed'), timeoutMs);
  }

  #end(): void {
    this.#isAnswered = true;
    this.#chunks = [];
    clearTimeout(this.#deadline);
  }
}

function onData(this: CallStream, chunk: Buffer): void {
  this[CALL]?.take(chunk);
}

function onEnd(this: CallStream): void {
  this[CALL]?.run();
}

function onWantTrailers(this: CallStream): void {
  if (!this.destroyed && !this.closed) this.sendTrailers(OK);
}

function onClose(this: CallStream): void {
  this[CALL]?.leave();
  this[CALL] = undefined;
}

// An answer without a message: gRPC's Trailers-Only form. The rest of the request is not wanted (RFC 9113 section 8.1); in the next
// turn, since nghttp2 lets RST_STREAM overtake what it has not written.
function endWith(stream: ServerHttp2Stream, fields: Record<string, string | number>): void {
  stream.respond(fields, WITHOUT_BODY);
  stream.resume();
  if (!stream.readableEnded && !stream.endAfterHeaders) setImmediate(closeUnread, stream);
}

function closeUnread(stream: ServerHttp2Stream): void {
  if (!stream.closed && !stream.destroyed) stream.close(NGHTTP2_NO_ERROR);
}

function statusFields(status: GrpcStatus, details: string): Record<string, string | number> {
  const fields = { ...ANSWER, 'grpc-status': status, 'grpc-message': details };
  // What the client may use instead.
  return status === GRPC_STATUS.unimplemented ? { ...fields, 'grpc-accept-encoding': 'identity' } : fields;
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };
/** Longer than a timer of Node can be. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function timeoutMsOf(timeout: string | string[] | undefined): number | undefined {
  const parts = typeof timeout === 'string' ? /^(\d{1,8})([HMSmun])$/.exec(timeout) : null;
  return parts === null ? undefined : Math.min(Number(parts[1]) * UNIT_MS[parts[2]!]!, LONGEST_TIMER_MS);
}

function ignore(): void {}
