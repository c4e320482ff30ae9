/** Writes a failure to a node:http response. */
import type { ServerResponse } from 'node:http';
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
    if (!res.writableEnded) res.destroy();
    return;
  }
  const { status, headers, body } = toProblem(thrown, context);
  for (const name of ABANDONED) res.removeHeader(name);
  res.writeHead(status, headers).end(body);
}
