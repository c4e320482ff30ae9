/** What an outside caller is told of a refusal, whatever transport it came by. */
import { type ProblemResponse, type WatchwordError, toProblem } from '@watchword/core';
import { Refusal } from './decision.ts';

/** Status, fields and problem+json: nothing that tells a stranger more than the status does, and nothing that may be cached (D11). */
export function describeRefusal(error: WatchwordError): ProblemResponse {
  const refusal = error instanceof Refusal ? error : undefined;
  const scopes = refusal?.route?.requirement.scopes;
  const problem = toProblem(error, scopes === undefined ? {} : { scopes });
  if (refusal?.allow === undefined) return problem;
  return { ...problem, headers: { ...problem.headers, allow: refusal.allow } };
}
