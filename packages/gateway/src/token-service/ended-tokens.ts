/** External tokens that have ended: of use only to requests that were accepted before and still wait. They can be taken back, too. */
import {
  type TrustPolicyOptions,
  type VerifiedToken,
  WatchwordError,
  createDeferredVerifier,
  readClock,
  systemClock,
} from '@watchword/core';

/** Verifies a token as of a moment at which it was good. @throws WatchwordError (as a rejection) */
export type VerifyEnded = (token: string) => Promise<VerifiedToken>;

/** @param policy that of the verifier of living tokens */
export function createVerifyEnded(policy: TrustPolicyOptions): VerifyEnded {
  const verifier = createDeferredVerifier(policy);
  const clock = policy.clock ?? systemClock;
  return async (token) => {
    const acceptedAtMs = beginOf(token);
    const runBeforeMs = Math.max(readClock(clock), acceptedAtMs) + MARGIN_MS;
    // Nobody acts as its owner here.
    return verifier.verify(token, { acceptedAtMs, runBeforeMs, isProven: true });
  };
}

/** For the verification itself. */
const MARGIN_MS = 60_000;

// What it says before it is verified; a lie ends with the signature.
function beginOf(token: string): number {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
    const begins = [claims['iat'], claims['nbf']].filter((one) => typeof one === 'number');
    const end = typeof claims['exp'] === 'number' ? claims['exp'] - 0.001 : NaN;
    return (begins.length === 0 ? end : Math.max(...begins)) * 1000;
  } catch (cause) {
    throw new WatchwordError('token_malformed', undefined, { cause });
  }
}
