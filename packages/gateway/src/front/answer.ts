/** Answers that the edge gives itself: problem+json, and nothing that tells a stranger more than the status does. */
import { type WatchwordError, toProblem } from '@watchword/core';
import { Refusal } from '../decision/decision.ts';
import type { ClientCall } from './client-call.ts';

/** Writes the refusal. */
export function answerRefusal(call: Pick<ClientCall, 'refuse'>, error: WatchwordError): void {
  const refusal = error instanceof Refusal ? error : undefined;
  const scopes = refusal?.route?.requirement.scopes;
  const problem = toProblem(error, scopes === undefined ? {} : { scopes });
  const fields = ['content-length', String(Buffer.byteLength(problem.body))];
  for (const [name, value] of Object.entries(problem.headers)) fields.push(name, value);
  if (refusal?.allow !== undefined) fields.push('allow', refusal.allow);
  call.refuse(problem.status, fields, problem.body);
}
