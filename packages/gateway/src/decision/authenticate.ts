/** Second stage: who is calling. Extraction, cache, verification and proofs of possession are core's pipeline. */
import { type Authenticated, type CachedVerifier, type Verifier, createPipeline } from '@watchword/core';
import type { PossessionGuard } from '../possession.ts';
import type { DecisionRequest } from './decision.ts';

/** The stage. Synchronous on a cache hit. @throws WatchwordError, also as a rejection */
export type AuthenticateStage = (request: DecisionRequest, canonicalPath: string) => Authenticated | Promise<Authenticated>;

/** Builds the stage: at the edge callers bring bearer tokens, and proofs for those that are bound to them. */
export function createAuthenticateStage(verifier: Verifier | CachedVerifier, guard?: PossessionGuard): AuthenticateStage {
  if (guard === undefined) {
    const { authenticate } = createPipeline({ source: 'bearer', verifier });
    return ({ headers }) => authenticate(headers);
  }
  const { authenticate } = createPipeline({ source: 'bearer', verifier, possession: guard.possession });
  return (request, canonicalPath) => authenticate(request.headers, guard.senderOf(request, canonicalPath));
}
