/** Calls over HTTP/2 with Node's own client. */
import {
  type ClientHttp2Session,
  type ClientSessionOptions,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
  connect,
} from 'node:http2';
import { onTestFinished } from 'vitest';
export {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  block,
  frame,
  literal,
  pseudo,
} from './frames.ts';

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
  /** Code of the RST_STREAM that ended it; 0: none. */
  readonly code: number;
}

export function openHttp2(
  port: number,
  options: ClientSessionOptions | SecureClientSessionOptions = {},
  scheme = 'http',
): ClientHttp2Session {
  const session = connect(`${scheme}://127.0.0.1:${port}`, options);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

/** One request; resolves also when the stream is reset, then with status 0 unless there was one. */
export function askHttp2(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string | Buffer,
): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':authority': 'api.example', ...headers }, { endStream: body === undefined });
    let text = '';
    let answer: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.setEncoding('latin1');
    stream.on('response', (received) => (answer = received));
    stream.on('trailers', (received) => (trailers = received));
    stream.on('data', (chunk: string) => (text += chunk));
    stream.on('error', () => {});
    stream.on('close', () =>
      resolve({ status: Number(answer[':status'] ?? 0), headers: answer, trailers, body: text, code: stream.rstCode ?? 0 }),
    );
    if (body !== undefined) stream.end(body);
  });
}
