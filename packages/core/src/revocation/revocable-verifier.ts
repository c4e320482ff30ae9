/** Refuses revoked tokens, as a decorator of any verifier. A cache in front of it is right by itself: each hit asks `holds`. */
import { createHash } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { identityOf } from '../object-identity.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import { earlyRefusalOf, withEarlyRefusal } from '../verify/early-refusal.ts';
import { type Standing, narrowStanding, withStanding } from '../verify/standing.ts';
import type { Verifier } from '../verify/verifier.ts';
import type { WithdrawalListener } from '../verify/withdrawal.ts';
import { type FreshnessRequirement, type RevocationView, assertFresh, readFreshness } from './freshness.ts';
import { versionOf } from './view-version.ts';

/** When known revocations are current enough. */
export interface RevocableVerifierOptions extends FreshnessRequirement {
  readonly clock?: Clock;
}

/**
 * Puts revocation behind a verifier. Order of use: `createCachedVerifier(createRevocableVerifier(createVerifier(...), ...))`.
 * `verify` rejects with `token_revoked` (401), and for an otherwise good token with `revocation_unavailable` (503) while the
 * revocations are stale. `holds` is false for a revoked token, and throws `revocation_unavailable`: a cached verdict is then neither
 * used nor lost, and an outage costs no signature checks.
 * @throws WatchwordError `config_invalid`
 */
export function createRevocableVerifier(
  verifier: Verifier,
  revocations: RevocationView,
  options: RevocableVerifierOptions = {},
): Verifier {
  assertKnownOptions(options, ['staleAfterMs', 'whenStale', 'clock'], 'revocable');
  assertConfig(
    typeof verifier?.verify === 'function' && typeof verifier.holds === 'function',
    'revocable.verifier: must be a verifier',
  );
  // A cache inside would be asked first, and its verdicts be checked all the same; but its owner would think them remembered.
  assertConfig(
    !('recall' in verifier),
    'revocable.verifier: put the cache in front: createCachedVerifier(createRevocableVerifier(...))',
  );
  assertConfig(typeof revocations?.revokes === 'function', 'revocable.revocations: make them with createRevocations');
  const { clock = systemClock, ...requirement } = options;
  assertFunction(clock, 'revocable.clock');
  const freshness = readFreshness(requirement, 'revocable');
  const revocable: Verifier = {
    policyId: policyId(verifier, revocations, clock, [freshness.staleAfterMs, freshness.whenStale]),
    async verify(compact) {
      const token = await verifier.verify(compact);
      const nowMs = readClock(clock);
      // What is known to be revoked is a bad token, however old the knowledge.
      if (revocations.revokes(token, nowMs)) throw new WatchwordError('token_revoked');
      assertFresh(revocations, freshness, nowMs);
      return token;
    },
    holds(token) {
      if (!verifier.holds(token)) return false;
      const nowMs = readClock(clock);
      if (revocations.revokes(token, nowMs)) return false;
      assertFresh(revocations, freshness, nowMs);
      return true;
    },
    onWithdrawal: (listener) => listenToBoth(verifier, revocations, listener),
  };
  withEarlyRefusal(revocable, earlyRefusalOf(verifier));
  return withStanding(
    revocable,
    standing(verifier, revocations, () => assertFresh(revocations, freshness, readClock(clock))),
  );
}

// Whether a token is revoked changes with what is known, and with time. Where none of what is known ever means the token, only the
// former is left.
function standing(verifier: Verifier, revocations: RevocationView, assertCurrent: () => void): Standing | undefined {
  const { revokes } = revocations;
  const version = versionOf(revocations);
  if (version === undefined) return undefined;
  return narrowStanding(verifier, {
    version,
    isSettled: (token) => !revocations.revokes(token, AT_ANY_TIME),
    hold() {
      if (revocations.revokes !== revokes) return false;
      assertCurrent();
      return true;
    },
  });
}

/** A clock that gives no number revokes whatever has an entry (B2), expired or not. */
const AT_ANY_TIME = Number.NaN;

function listenToBoth(verifier: Verifier, revocations: RevocationView, listener: WithdrawalListener): () => void {
  // A revocation is a withdrawal with an end, which `holds` looks after.
  const stops = [verifier.onWithdrawal?.(listener), revocations.onRevocation?.(listener)];
  return () => {
    for (const stop of stops) stop?.();
  };
}

function policyId(verifier: Verifier, revocations: RevocationView, clock: Clock, facts: readonly unknown[]): string {
  const text = JSON.stringify(['revocable', verifier.policyId, identityOf(revocations), identityOf(clock), ...facts]);
  return createHash('sha256').update(text).digest('base64url');
}
