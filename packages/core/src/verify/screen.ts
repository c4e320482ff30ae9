/**
 * The cheap half of a verification: everything but the signature. For requests that are accepted now and verified later: junk is
 * turned away at the door, and what gets past it is still nobody's word (invariant 8).
 */
import { readClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { KnownHeaders, assertTokenSize, parseCompact } from '../jws/compact.ts';
import type { VerificationKey } from '../keys/verification-key.ts';
import { assertHeaderAllowed, assertKeyFits, parsePayload, selectRules } from './candidate.ts';
import { checkClaims } from './check-claims.ts';
import { type TrustPolicyOptions, defineTrustPolicy } from './policy.ts';
import { type ValidityWindow, assertWithin, validityWindow } from './validity.ts';

/** What an unverified token says, as far as a queue needs it. */
export interface Screened {
  /** One of the trusted issuers. Whether the token is its own, nobody knows yet. */
  readonly issuer: string;
  /** `sub` as it stands there: anybody could have written it. Undefined: there is none. */
  readonly subject: string | undefined;
  readonly window: ValidityWindow;
}

/** What a screen is made of. */
export interface ScreenOptions extends TrustPolicyOptions {
  /** Whether this token is known not to bear the signature of this key. Default: nothing is known. */
  readonly isKnownBad?: (compact: string, key: VerificationKey) => boolean;
}

/**
 * Checks size, form, type, algorithm, issuer, that the key is known, claims, expiry, and whether it is known to be bad. At once, or
 * with a promise when the key has to be asked for.
 * @throws WatchwordError the code of the first rule that is broken, also as a rejection
 */
export type Screen = (token: string) => Screened | Promise<Screened>;

/** Builds a screen with the policy of the verifier that will judge later. @throws WatchwordError `config_invalid` */
export function createScreen({ isKnownBad = () => false, ...options }: ScreenOptions): Screen {
  const policy = defineTrustPolicy(options);
  const headers = new KnownHeaders();
  return (token) => {
    assertTokenSize(token, policy.maxTokenBytes);
    const jws = parseCompact(token, headers);
    const rules = selectRules(jws, policy);
    assertHeaderAllowed(jws, rules);
    const { alg, kid } = jws.header;
    const conclude = (found: unknown): Screened => {
      const key = assertKeyFits(found, jws);
      if (isKnownBad(token, key)) throw new WatchwordError('signature_invalid', 'The signature is known to be bad');
      const claims = parsePayload(jws);
      checkClaims(claims, rules);
      // Proofs of possession are about the request in hand; nobody could check one later (WI-8).
      if (claims.cnf !== undefined) throw new WatchwordError('sender_constrained');
      const window = validityWindow(claims, rules);
      assertWithin(window, readClock(policy.clock));
      // What a header segment says is the same whoever sends it: junk that gets so far costs time, and nothing else.
      headers.remember(jws);
      return { issuer: rules.issuer, subject: typeof claims.sub === 'string' ? claims.sub : undefined, window };
    };
    const known = rules.keys.lookup(alg, kid, readClock(policy.clock));
    return known === undefined ? rules.keys.load(alg, kid).then(conclude) : conclude(known);
  };
}
