/** Second stage: who is calling. Extraction, cache and verification are core's pipeline. */
import { type Authenticated, type CachedVerifier, type HeaderSource, type Verifier, createPipeline } from '@watchword/core';

/** The stage. Synchronous on a cache hit. @throws WatchwordError, also as a rejection */
export type AuthenticateStage = (headers: HeaderSource) => Authenticated | Promise<Authenticated>;

/** Builds the stage: at the edge callers bring bearer tokens. */
export function createAuthenticateStage(verifier: Verifier | CachedVerifier): AuthenticateStage {
  return createPipeline({ source: 'bearer', verifier }).authenticate;
}
