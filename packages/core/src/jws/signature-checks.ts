/** How signatures are checked: at once, off the main thread, or from a memory of what was proven before. */
import type { VerificationKey } from '../keys/verification-key.ts';
import { verifySignature } from './signature.ts';

/** A token as it came, with what its signature covers. One object for each verification. */
export interface SignedToken {
  /** The whole compact token. */
  readonly compact: string;
  readonly signingInput: string;
  readonly signature: Uint8Array;
}

/**
 * Answers one question, whose answer never changes: is this the signature of the holder of this key? Key trust, claims and time
 * are the verifier's, on each verification, so a memory of answers can't outlive any of them.
 */
export interface SignatureChecks {
  /** @throws WatchwordError `overloaded` (also as a rejection) when it declines to answer */
  check(token: SignedToken, key: VerificationKey, nowMs: number): boolean | Promise<boolean>;
  /** The token has passed every rule. From now on it is worth remembering, until it expires. */
  accepted?(token: SignedToken, key: VerificationKey, expiresAtMs: number): void;
}

/** Checks at once, on this thread. */
export const inlineChecks: SignatureChecks = {
  check: ({ signingInput, signature }, key) => verifySignature(signingInput, signature, key),
};
