/** One request on its stream, told to an undici handler. */
import { type ClientHttp2Stream, type IncomingHttpHeaders, constants } from 'node:http2';
import { type Readable, pipeline } from 'node:stream';
import type { UndiciRequest } from './undici-request.ts';

/** The handler of a dispatch, as undici 8 has it. */
export interface UndiciHandler {
  onRequestStart?(controller: Exchange, context: unknown): void;
  onResponseStart?(controller: Exchange, status: number, headers: Fields, message?: string): void;
  onResponseData?(controller: Exchange, chunk: Buffer): void;
  onResponseEnd?(controller: Exchange, trailers: Fields): void;
  onResponseError?(controller: Exchange | null, error: Error): void;
}

type Fields = Record<string, string | string[] | undefined>;

const TIMEOUT_MS = 300_000;

/** What undici calls a controller: the handler's way to pause and to abort. */
export class Exchange {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  /** Flat list of the response's names and values, as they came. */
  rawHeaders: string[] | null = null;
  rawTrailers: string[] | null = null;
  readonly #handler: UndiciHandler;
  readonly #headersTimeoutMs: number;
  readonly #bodyTimeoutMs: number;
  #stream: ClientHttp2Stream | undefined;
  #trailers: Fields = {};
  #isOver = false;

  constructor(handler: UndiciHandler, { headersTimeout, bodyTimeout }: UndiciRequest) {
    this.#handler = handler;
    this.#headersTimeoutMs = headersTimeout ?? TIMEOUT_MS;
    this.#bodyTimeoutMs = bodyTimeout ?? TIMEOUT_MS;
  }

  /** Tells the handler that the request begins. @returns false when it was aborted then and there */
  start(): boolean {
    this.#handler.onRequestStart?.(this, {});
    return !this.aborted;
  }

  /** Sends the body, and tells the handler of everything that comes back. */
  run(stream: ClientHttp2Stream, body: Readable | Uint8Array | null): void {
    this.#stream = stream;
    stream.setTimeout(this.#headersTimeoutMs, () => this.#timedOut());
    stream.on('error', (error) => this.#fail(error));
    stream.on('response', (headers, _flags, rawHeaders) => this.#respond(headers, rawHeaders));
    stream.on('trailers', (trailers, _flags, rawTrailers) => {
      this.#trailers = fieldsOf(trailers);
      this.rawTrailers = rawTrailers;
    });
    stream.on('data', (chunk: Buffer) => this.#guarded(() => this.#handler.onResponseData?.(this, chunk)));
    stream.once('end', () => this.#end());
    stream.once('close', () => this.#closed());
    if (body instanceof Uint8Array) stream.end(body);
    // An answer may come, and the stream go, before the body is complete: that is no error of the request.
    else if (body !== null) pipeline(body, stream, (error) => error && this.#bodyFailed(error));
  }

  pause(): void {
    this.paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#stream?.resume();
  }

  abort(reason?: Error): void {
    if (this.aborted || this.#isOver) return;
    this.aborted = true;
    this.reason = reason ?? Object.assign(new Error('Request aborted'), { code: 'UND_ERR_ABORTED' });
    this.#fail(this.reason);
  }

  #respond(headers: IncomingHttpHeaders, rawHeaders: readonly string[] = []): void {
    const status = Number(headers[':status']);
    this.rawHeaders = withoutPseudo(rawHeaders);
    this.#stream?.setTimeout(this.#bodyTimeoutMs);
    this.#guarded(() => this.#handler.onResponseStart?.(this, status, fieldsOf(headers), ''));
  }

  #end(): void {
    // A reset ends the readable side too: only a stream that ended well is a complete answer.
    if (this.#isOver || this.rawHeaders === null || this.#stream?.rstCode) return;
    this.#isOver = true;
    try {
      this.#handler.onResponseEnd?.(this, this.#trailers);
    } catch (thrown) {
      // How undici's retry interceptor says that it does not like the answer.
      this.#handler.onResponseError?.(this, thrown as Error);
    }
  }

  #closed(): void {
    if (!this.#isOver) this.#fail(Object.assign(new Error('The stream was closed'), { code: 'UND_ERR_SOCKET' }));
  }

  #bodyFailed(error: Error): void {
    if (this.rawHeaders === null && !this.#stream?.closed) this.#fail(error);
  }

  #timedOut(): void {
    const code = this.rawHeaders === null ? 'UND_ERR_HEADERS_TIMEOUT' : 'UND_ERR_BODY_TIMEOUT';
    this.#fail(Object.assign(new Error('The peer did not answer in time'), { code }));
  }

  // An exception of the handler is an abort, as in undici: it must not reach the event loop (F5).
  #guarded(work: () => void): void {
    if (this.#isOver) return;
    try {
      work();
    } catch (thrown) {
      this.abort(thrown instanceof Error ? thrown : new Error('The handler failed'));
    }
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const stream = this.#stream;
    if (stream && !stream.destroyed) {
      stream.close(constants.NGHTTP2_CANCEL);
      stream.resume();
    }
    this.#handler.onResponseError?.(this, causeOf(error));
  }
}

// A connection that fails cancels its streams; interceptors look at the code of what went wrong with the connection.
function causeOf(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_HTTP2_STREAM_CANCEL' && error.cause instanceof Error ? error.cause : error;
}

function fieldsOf(headers: IncomingHttpHeaders): Fields {
  const fields: Fields = Object.create(null);
  for (const [name, value] of Object.entries(headers)) if (!name.startsWith(':')) fields[name] = value;
  return fields;
}

function withoutPseudo(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    if (!raw[index]!.startsWith(':')) kept.push(raw[index]!, raw[index + 1]!);
  return kept;
}
