/** Answers that the edge gives itself: problem+json, and nothing that tells a stranger more than the status does. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type WatchwordError, toProblem } from '@watchword/core';
import { Refusal } from '../decision/decision.ts';
import { discardBody } from './request-body.ts';

/** Writes the refusal. The body of the request, if there is one, is dropped. */
export function answerRefusal(request: IncomingMessage, response: ServerResponse, error: WatchwordError, close: boolean): number {
  const refusal = error instanceof Refusal ? error : undefined;
  const scopes = refusal?.route?.requirement.scopes;
  const problem = toProblem(error, scopes === undefined ? {} : { scopes });
  const fields = ['content-length', String(Buffer.byteLength(problem.body))];
  for (const [name, value] of Object.entries(problem.headers)) fields.push(name, value);
  if (refusal?.allow !== undefined) fields.push('allow', refusal.allow);
  if (close) fields.push('connection', 'close');
  response.writeHead(problem.status, fields);
  response.end(problem.body);
  discardBody(request);
  return problem.status;
}
