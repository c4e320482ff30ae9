/** The contract of every verifier: plain, cached, or decorated by a user. */
import type { VerifiedToken } from './verified-token.ts';

/** Turns a compact token into a verified one, or refuses. */
export interface Verifier {
  /** Identifies the whole policy: two verifiers with one id accept exactly the same tokens at the same time (D2). */
  readonly policyId: string;
  /**
   * Verifies one token.
   * @throws WatchwordError (as a rejection) with the code of the first rule that is broken
   */
  verify(token: string): Promise<VerifiedToken>;
}

/** A verifier that remembers. */
export interface CachedVerifier extends Verifier {
  /**
   * The verdict of an earlier verification, if it still holds now; undefined: call `verify`. Synchronous, no I/O, never throws
   * for a bad token. Expiry, not-before and key trust are checked on each call (invariant 1).
   */
  recall(token: string): VerifiedToken | undefined;
}
