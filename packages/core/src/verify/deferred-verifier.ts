/**
 * Verification of a request that was accepted earlier. By TT-26 a token that has expired since is invalid, so this is a deviation, and
 * a named one (TT-33): expiry is judged by the time of acceptance, which a receipt must attest; key trust and revocation by the time
 * at which the work runs; and the work must begin before a time that was fixed at acceptance.
 */
import { readClock } from '../clock.ts';
import { WatchwordError, assertConfig, toWatchwordError } from '../errors.ts';
import { assertUnbound } from '../possession/possession.ts';
import { type FreshnessRequirement, type RevocationView, assertFresh, readFreshness } from '../revocation/freshness.ts';
import { type BatchVerdict, verifyBatch } from './batch.ts';
import { assertStillTrusted, createJudge } from './create-verifier.ts';
import { type TrustPolicyOptions, defineTrustPolicy } from './policy.ts';
import { type ValidityWindow, assertWithin, validityWindow } from './validity.ts';
import { type VerifiedToken, createVerifiedToken } from './verified-token.ts';
import type { Verifier } from './verifier.ts';

/** The two times that were fixed when the request was accepted, in Unix milliseconds. */
export interface Deferral {
  /** Attested by a receipt that nobody but the one who accepts can make. */
  readonly acceptedAtMs: number;
  readonly runBeforeMs: number;
  /** Whether the sender of a bound token has proven to be its owner then. Default: nobody knows, and such a token is refused (WI-8). */
  readonly isProven?: boolean;
}

/** The policy of the one that accepts, and the revocations that count when the work runs. */
export interface DeferredVerifierOptions extends TrustPolicyOptions, FreshnessRequirement {
  /**
   * Default: none, and no token is refused as revoked. A revocation is forgotten five minutes after its `expiresAtMs`: that has to be
   * after the last moment at which deferred work may run.
   */
  readonly revocations?: RevocationView;
}

/** Verifies tokens of accepted requests. */
export interface DeferredVerifier {
  /**
   * The verified token, with a window that ends at `runBeforeMs` if its own has ended before: what is minted from it ends by then.
   * @throws WatchwordError (as a rejection) the code of the first rule that is broken; `token_too_old` from `runBeforeMs` on;
   * `sender_constrained`, `token_revoked`, `revocation_unavailable`
   */
  verify(token: string, deferral: Deferral): Promise<VerifiedToken>;
  /**
   * Verifies many, each as `verify` does, with a verdict for each, in their order. What does not depend on when a request was accepted
   * is done by `verifyBatch`: once for each token, however many requests came with it. Never rejects for a token (MQ-5).
   */
  verifyMany(requests: readonly DeferredToken[]): Promise<readonly BatchVerdict[]>;
  /**
   * Asks again what may have changed since `verify`, for whoever has waited for something else meanwhile: that it is not too late, that
   * the key is still trusted, that nothing is revoked. Without another wait where the key is at hand.
   * @param token as `verify` or `verifyMany` of this verifier gave it
   * @throws WatchwordError (as a rejection) as `verify`
   */
  assertHolds(token: VerifiedToken, deferral: Deferral): Promise<void>;
}

/** The token of one accepted request. */
export interface DeferredToken {
  readonly token: string;
  readonly deferral: Deferral;
}

/** Builds a verifier with the policy of the one that accepts. @throws WatchwordError `config_invalid` */
export function createDeferredVerifier(options: DeferredVerifierOptions): DeferredVerifier {
  const { revocations, staleAfterMs, whenStale, ...rest } = options;
  assertConfig(
    revocations === undefined || typeof revocations.revokes === 'function',
    'deferred.revocations: make them with createRevocations',
  );
  const asked = { ...(staleAfterMs === undefined ? {} : { staleAfterMs }), ...(whenStale === undefined ? {} : { whenStale }) };
  const freshness = readFreshness(asked, 'deferred');
  const policy = defineTrustPolicy(rest);
  const judge = createJudge(policy);
  const assertUnrevoked = (token: VerifiedToken, { expiresAtMs }: ValidityWindow, nowMs: number): void => {
    if (revocations === undefined) return;
    // A revocation needs to last only as long as its token; here that token is still good for something, so at its end it counts.
    const askedAtMs = Math.min(nowMs, expiresAtMs - 1);
    if (revocations.revokes(token, askedAtMs)) throw new WatchwordError('token_revoked');
    assertFresh(revocations, freshness, nowMs);
  };
  const conclude = (verified: VerifiedToken, deferral: Deferral): VerifiedToken => {
    const { acceptedAtMs, runBeforeMs, isProven = false } = deferral;
    const { header, claims, key, issuer, window } = verified;
    const nowMs = readClock(policy.clock);
    // Once more: a key may have taken long to come.
    assertInTime(deferral, nowMs);
    assertWithin(window, acceptedAtMs);
    if (isProven !== true) assertUnbound(verified);
    assertUnrevoked(verified, window, nowMs);
    const expiresAtMs = Math.max(window.expiresAtMs, runBeforeMs);
    return createVerifiedToken({ header, claims, key, issuer, window: { ...window, expiresAtMs } });
  };
  // Knows nothing of time, so that requests which were accepted at different ones can share what it finds out, in one batch and no
  // longer. Nobody else gets it.
  const timeless: Verifier = { policyId: policy.id, verify: (token) => judge(token, null), holds: () => true };
  return {
    async verify(token, deferral) {
      assertInTime(deferral, readClock(policy.clock));
      return conclude(await timeless.verify(token), deferral);
    },
    async verifyMany(requests) {
      const nowMs = readClock(policy.clock);
      const lateness = requests.map(({ deferral }) => errorOf(() => assertInTime(deferral, nowMs)));
      const timely = requests.filter((_, index) => lateness[index] === undefined);
      const found = (
        await verifyBatch(
          timeless,
          timely.map(({ token }) => token),
        )
      ).values();
      return requests.map(({ deferral }, index) => {
        const late = lateness[index];
        if (late !== undefined) return { error: late };
        const { token, error } = found.next().value!;
        return token === undefined ? { error } : verdictOf(() => conclude(token, deferral));
      });
    },
    async assertHolds(token, deferral) {
      await assertStillTrusted(token, policy);
      const nowMs = readClock(policy.clock);
      assertInTime(deferral, nowMs);
      // Its own window: the one it was given ends later.
      assertUnrevoked(token, validityWindow(token.claims, policy.issuers.get(token.issuer)!), nowMs);
    },
  };
}

function assertInTime({ acceptedAtMs, runBeforeMs }: Deferral, nowMs: number): void {
  if (!Number.isFinite(acceptedAtMs) || !Number.isFinite(runBeforeMs) || acceptedAtMs > runBeforeMs)
    throw new WatchwordError('claim_invalid', 'The times of the deferral are wrong');
  if (!(nowMs < runBeforeMs)) throw new WatchwordError('token_too_old', 'The request had to run earlier');
}

function verdictOf(verify: () => VerifiedToken): BatchVerdict {
  try {
    return { token: verify() };
  } catch (thrown) {
    return { error: toWatchwordError(thrown) };
  }
}

function errorOf(check: () => void): WatchwordError | undefined {
  try {
    check();
    return undefined;
  } catch (thrown) {
    return toWatchwordError(thrown);
  }
}
