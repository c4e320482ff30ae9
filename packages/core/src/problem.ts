/** Failures as HTTP answers: status, `WWW-Authenticate` (RFC 6750) and problem+json (RFC 9457). */
import { type ErrorFacts, toWatchwordError } from './errors.ts';
import { PROOF_ALGORITHMS } from './possession/proof-keys.ts';

/** A complete HTTP answer, for any host to write out. */
export interface ProblemResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the answer may say about the protected resource. */
export interface ProblemContext {
  /** Protection space named in the challenge. */
  readonly realm?: string;
  /** The scopes that the route asks for, told with `insufficient_scope`. */
  readonly scopes?: readonly string[];
}

/**
 * Describes a failure to an outside caller: never which check failed beyond RFC 6750's codes (ER-6), never cacheable (D11).
 * Anything that is not a `WatchwordError` becomes a 500.
 */
export function toProblem(thrown: unknown, context: ProblemContext = {}): ProblemResponse {
  const facts: ErrorFacts = toWatchwordError(thrown).facts;
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  };
  // RFC 9110 section 15.5.2: a 401 carries a challenge; RFC 6750 section 3: without credentials it carries no error code.
  if (facts.http === 401 || facts.oauth !== undefined) headers['www-authenticate'] = challenge(facts, context);
  if (facts.http === 503 || facts.http === 429) headers['retry-after'] = '1';
  const kind = facts.oauth ?? facts.title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  const body = JSON.stringify({ type: `urn:watchword:problem:${kind}`, title: facts.title, status: facts.http });
  return { status: facts.http, headers, body };
}

function challenge(facts: ErrorFacts, context: ProblemContext): string {
  const parameters = [`realm="${quotable(context.realm ?? 'watchword')}"`];
  if (facts.oauth !== undefined) {
    parameters.push(`error="${facts.oauth}"`, `error_description="${quotable(facts.title)}"`);
  }
  if (facts.oauth === 'insufficient_scope' && context.scopes?.length) {
    parameters.push(`scope="${quotable(context.scopes.join(' '))}"`);
  }
  // RFC 9449 section 7.1: the other scheme, and what its proofs may be signed with.
  if (facts.oauth === 'invalid_dpop_proof') return `DPoP ${parameters.join(', ')}, algs="${PROOF_ALGORITHMS.join(' ')}"`;
  return `Bearer ${parameters.join(', ')}`;
}

// RFC 6750 section 3: %x20-21 / %x23-5B / %x5D-7E.
function quotable(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '');
}
