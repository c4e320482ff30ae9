/** Answers that the edge gives itself: problem+json, and nothing that tells a stranger more than the status does. */
import { type WatchwordError, toProblem } from '@watchword/core';
import { Refusal } from '../decision/decision.ts';
import type { ClientCall } from './client-call.ts';

/** Writes the refusal. */
export function answerRefusal(call: Pick<ClientCall, 'refuse' | 'speaksGrpc'>, error: WatchwordError): void {
  if (call.speaksGrpc) {
    const { grpc, title } = error.facts;
    // Trailers-Only: HTTP 200, and the status where gRPC looks for it.
    const fields = ['content-type', 'application/grpc', 'grpc-status', String(grpc), 'grpc-message', encodeURIComponent(title)];
    call.refuse(200, fields, '');
    return;
  }
  const refusal = error instanceof Refusal ? error : undefined;
  const scopes = refusal?.route?.requirement.scopes;
  const problem = toProblem(error, scopes === undefined ? {} : { scopes });
  const fields = ['content-length', String(Buffer.byteLength(problem.body))];
  for (const [name, value] of Object.entries(problem.headers)) fields.push(name, value);
  if (refusal?.allow !== undefined) fields.push('allow', refusal.allow);
  call.refuse(problem.status, fields, problem.body);
}
