/** Writes a failure to a node:http response. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ProblemContext, toProblem } from '@watchword/core';

// What describes a body that is not going to be sent. Everything else (CORS, tracing, ...) stays.
const ABANDONED = [
  'content-length',
  'content-encoding',
  'content-range',
  'content-disposition',
  'etag',
  'last-modified',
  'transfer-encoding',
];

/**
 * Answers with problem+json. When the answer has begun already it is broken off instead: the only way left to tell the client
 * that it is not complete.
 */
export function writeProblem(res: ServerResponse, thrown: unknown, context?: ProblemContext): void {
  if (res.headersSent) {
    if (!res.writableEnded) breakOff(res);
    return;
  }
  const { status, headers, body } = toProblem(thrown, context);
  for (const name of ABANDONED) res.removeHeader(name);
  res.writeHead(status, headers).end(body);
}

function breakOff(res: ServerResponse): void {
  const { stream } = res as { stream?: Duplex };
  // A stream of HTTP/2 that is destroyed, or closed, without an error ends its data first, as if they were complete.
  if (stream === undefined) res.destroy();
  else stream.destroy(new Error('The answer was broken off'));
}
