/**
 * Verification of a request that was accepted earlier. By TT-26 a token that has expired since is invalid, so this is a deviation, and
 * a named one (TT-33): expiry is judged by the time of acceptance, which a receipt must attest; key trust and revocation by the time
 * at which the work runs; and the work must begin before a time that was fixed at acceptance.
 */
import { readClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { createJudge } from './create-verifier.ts';
import { type TrustPolicyOptions, defineTrustPolicy } from './policy.ts';
import { type VerifiedToken, createVerifiedToken } from './verified-token.ts';

/** The two times that were fixed when the request was accepted, in Unix milliseconds. */
export interface Deferral {
  /** Attested by a receipt that nobody but the one who accepts can make. */
  readonly acceptedAtMs: number;
  readonly runBeforeMs: number;
}

/** Verifies tokens of accepted requests. */
export interface DeferredVerifier {
  /**
   * The verified token, with a window that ends at `runBeforeMs` if its own has ended before: what is minted from it ends by then.
   * @throws WatchwordError (as a rejection) the code of the first rule that is broken; `token_too_old` from `runBeforeMs` on
   */
  verify(token: string, deferral: Deferral): Promise<VerifiedToken>;
}

/** Builds a verifier with the policy of the one that accepts. @throws WatchwordError `config_invalid` */
export function createDeferredVerifier(options: TrustPolicyOptions): DeferredVerifier {
  const policy = defineTrustPolicy(options);
  const judge = createJudge(policy);
  return {
    async verify(token, { acceptedAtMs, runBeforeMs }) {
      const nowMs = readClock(policy.clock);
      if (!Number.isFinite(acceptedAtMs) || !(acceptedAtMs <= runBeforeMs))
        throw new WatchwordError('claim_invalid', 'The times of the deferral are wrong');
      if (!(nowMs < runBeforeMs)) throw new WatchwordError('token_too_old', 'The request had to run earlier');
      const { header, claims, key, issuer, window } = await judge(token, acceptedAtMs);
      const expiresAtMs = Math.max(window.expiresAtMs, runBeforeMs);
      return createVerifiedToken({ header, claims, key, issuer, window: { ...window, expiresAtMs } });
    },
  };
}
