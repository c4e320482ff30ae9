/** Why an exchange over HTTP/2 failed, in the codes that the retry policy and the log know. */
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Http2Connection } from './http2-connection.ts';
import { NotProcessed } from './target.ts';

const { NGHTTP2_REFUSED_STREAM } = constants;

/** Thrown by Node before anything was sent: either the session is on its way out, or the fields are not ones that HTTP/2 allows. */
export function notSent(error: unknown): Error {
  const code = String((error as { code?: unknown }).code);
  if (/SESSION|STREAMS/.test(code)) return new NotProcessed(error);
  return Object.assign(new Error('The request cannot be sent', { cause: error }), { code: 'UND_ERR_INVALID_ARG' });
}

/** The stream closed before the answer was whole. @param error what Node said of it, if anything */
export function streamReset(
  stream: ClientHttp2Stream,
  id: number | undefined,
  connection: Http2Connection,
  error: Error | undefined,
): Error {
  if (stream.rstCode === NGHTTP2_REFUSED_STREAM || connection.skipped(id)) return new NotProcessed(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && !code.startsWith('ERR_HTTP2_STREAM')) return error!;
  return Object.assign(new Error('The stream was reset', { cause: error }), {
    code: connection.isOver ? 'UPSTREAM_CLOSED' : 'UPSTREAM_STREAM_RESET',
  });
}
