/** Guards listeners for `stream`, the HTTP/2 interface of node:http2 itself. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import {
  type Identity,
  type Pipeline,
  type ProblemContext,
  WatchwordError,
  fromRawHeaders,
  toProblem,
  toWatchwordError,
} from '@watchword/core';
import { type ProtectOptions, assertRequirement, runAsCaller } from '@watchword/http';

/** A handler; a promise is waited for. */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => unknown;

/** A listener for `stream`. */
export type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => Promise<void>;

/**
 * Runs `handler` for admitted callers only; inside it `currentIdentity()` is the caller. Refusals and failures are answered with
 * problem+json; a stream whose answer has begun is reset instead.
 * @throws WatchwordError `config_invalid`
 */
export function protectStream(pipeline: Pipeline, handler: StreamHandler, options: ProtectOptions = {}): StreamListener {
  assertRequirement(options, ['scopes', 'realm'], 'protectStream');
  return async (stream, headers, _flags, rawHeaders) => {
    surviveReset(stream);
    let identity: Identity;
    try {
      // rawHeaders: in `headers` Node has joined duplicates (TT-25).
      identity = await pipeline.admit(fromRawHeaders(rawHeaders), options);
    } catch (thrown) {
      const error = toWatchwordError(thrown);
      // Not the foreign error itself: its text could quote the token (E12).
      if (error.facts.http === 500) warn(`A request was refused: ${error.code}, ${error.message}`);
      writeStreamProblem(stream, error, options);
      return;
    }
    await run(identity, handler, stream, headers);
  };
}

/** Runs a public handler on nobody's behalf, whatever token the caller sends. */
export function anonymousStream(handler: StreamHandler): StreamListener {
  return (stream, headers) => {
    surviveReset(stream);
    return run(undefined, handler, stream, headers);
  };
}

async function run(
  identity: Identity | undefined,
  handler: StreamHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  try {
    await runAsCaller(identity, [stream], () => handler(stream, headers));
  } catch (thrown) {
    const foreseen = thrown instanceof WatchwordError && thrown.facts.http !== 500;
    if (!foreseen) warn(thrown);
    writeStreamProblem(stream, thrown);
  }
}

// A client that resets its stream is an `error` event here; without a listener it would end the process (F5).
function surviveReset(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined);
}

function writeStreamProblem(stream: ServerHttp2Stream, thrown: unknown, context?: ProblemContext): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) {
    // `close` would end the data first, as if they were complete.
    if (!stream.writableEnded) stream.destroy(new Error('The answer was broken off'));
    return;
  }
  const { status, headers, body } = toProblem(thrown, context);
  stream.respond({ ...headers, ':status': status });
  stream.end(body);
  // What is left of the request's body is not wanted.
  stream.resume();
}

function warn(what: unknown): void {
  process.emitWarning(what instanceof Error ? what : String(what), 'WatchwordWarning');
}
