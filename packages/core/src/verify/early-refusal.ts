/**
 * Refusals that can be told at once, before any signature is checked: whoever floods a service with tokens of no key at all is turned
 * away without a promise or an exception for each. `Verifier.verify` is the rule; this is the same answer sooner, or none.
 */
import type { WatchwordError } from '../errors.ts';
import type { Verifier } from './verifier.ts';

/** What `verify` would reject this token with now, if that takes neither a signature check nor I/O to say; undefined: ask `verify`. */
export type EarlyRefusal = (token: string) => WatchwordError | undefined;

// By the function and not by the verifier: whoever spreads a verifier and puts a `verify` of his own into the copy may accept more.
const REFUSALS = new WeakMap<Verifier['verify'], EarlyRefusal>();

/** Gives a verifier its early refusals. A decorator that only refuses more passes on those of the verifier inside. */
export function withEarlyRefusal(verifier: Verifier, refusal: EarlyRefusal | undefined): Verifier {
  if (refusal !== undefined) REFUSALS.set(verifier.verify, refusal);
  return verifier;
}

/** The early refusals that go with the verifier's present `verify`. */
export function earlyRefusalOf(verifier: Verifier): EarlyRefusal | undefined {
  return REFUSALS.get(verifier.verify);
}
