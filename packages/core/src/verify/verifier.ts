/** The contract of every verifier: plain, cached, or decorated by a user. */
import type { WatchwordError } from '../errors.ts';
import type { VerifiedToken } from './verified-token.ts';
import type { WithdrawalListener } from './withdrawal.ts';

/** Turns a compact token into a verified one, or refuses. */
export interface Verifier {
  /** Identifies the whole policy: two verifiers with one id accept exactly the same tokens at the same time (D2). */
  readonly policyId: string;
  /**
   * Verifies one token.
   * @throws WatchwordError (as a rejection) with the code of the first rule that is broken
   */
  verify(token: string): Promise<VerifiedToken>;
  /**
   * Whether a verdict that this verifier gave earlier still holds now: everything that can change while the token stays the same
   * (time, key trust). Synchronous, without I/O. A decorator that adds such a fact adds it here too (invariant 1).
   */
  holds(token: VerifiedToken): boolean;
  /**
   * Tells of verdicts that stopped holding for another reason than time, so that a memory can drop exactly those. A decorator
   * passes it on and adds its own. @returns what ends the subscription
   */
  onWithdrawal?(listener: WithdrawalListener): () => void;
}

/** A verifier that remembers. */
export interface CachedVerifier extends Verifier {
  /**
   * The verdict of an earlier verification, if it still holds now; undefined: call `verify`. Synchronous, no I/O, never throws
   * for a bad token.
   */
  recall(token: string): VerifiedToken | undefined;
  /**
   * To be asked after `recall`: what `verify` would reject the token with now, if neither a signature check nor I/O is needed to say
   * so; undefined: call `verify`. Synchronous, never throws. A refusal costs a fraction of a rejection.
   */
  refusal?(token: string): WatchwordError | undefined;
}
