/** What happens while nobody can say whether a token was revoked. */
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertKnownOptions } from '../options.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Revocation } from './revocation.ts';

/** The revocations known here, and how current they are. Made by `createRevocations`. */
export interface RevocationView {
  /** Last moment of which is known that no revocation before it is missing, in Unix milliseconds; -Infinity: none yet. */
  readonly freshAtMs: number;
  /** Whether a token is revoked, as far as is known here. */
  revokes(token: VerifiedToken, nowMs: number): boolean;
  /** Tells of each revocation that becomes known, snapshots included. @returns what ends the subscription */
  onRevocation?(listener: (revocation: Revocation) => void): () => void;
}

/** How current the revocations must be. Can be chosen for each route. */
export interface FreshnessRequirement {
  /** Greatest age of what is known here: how long a revoked token may live on. Default 5000 (S15). */
  readonly staleAfterMs?: number;
  /** What to do with good tokens beyond that. Default `refuse` (503); `accept` trusts what is known. */
  readonly whenStale?: 'refuse' | 'accept';
}

/** Checks a requirement and fills in the defaults. @throws WatchwordError `config_invalid` */
export function readFreshness(requirement: FreshnessRequirement, place = 'revocation'): Required<FreshnessRequirement> {
  assertKnownOptions(requirement, ['staleAfterMs', 'whenStale'], place);
  const { staleAfterMs = 5000, whenStale = 'refuse' } = requirement;
  assertConfig(whenStale === 'refuse' || whenStale === 'accept', `${place}.whenStale: must be "refuse" or "accept"`);
  return Object.freeze({ staleAfterMs: assertBetween(staleAfterMs, 1, 86_400_000, `${place}.staleAfterMs`), whenStale });
}

/**
 * Refuses while the revocations are older than a route allows. Belongs after the cache, like `authorize`: a route asks for it with
 * its own requirement, once read by {@link readFreshness}.
 * @throws WatchwordError `revocation_unavailable`
 */
export function assertFresh(revocations: RevocationView, requirement: Required<FreshnessRequirement>, nowMs: number): void {
  if (requirement.whenStale === 'accept') return;
  // Both ways, so that a clock set back doesn't make the past look current; and NaN refuses.
  if (!(Math.abs(nowMs - revocations.freshAtMs) <= requirement.staleAfterMs)) {
    throw new WatchwordError('revocation_unavailable', 'The revocations known here are older than the route allows');
  }
}
