/** Accepts each token once, as a decorator of any verifier: for tokens that start something that must not start twice (B12). */
import { createHash } from 'node:crypto';
import { WatchwordError, assertConfig } from '../errors.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Verifier } from '../verify/verifier.ts';
import type { SpentTokens } from './spent-tokens.ts';

/** A note outlives its token by this much, so that clocks that differ or step back bring no token back. */
const KEEP_AFTER_MS = 3_600_000;

/**
 * Puts a ledger behind a verifier. `verify` rejects with `token_replayed` (401) from the second use on, with `claim_missing` for a
 * token without `jti`, and with `replay_unavailable` (503) while the ledger can't be asked. `holds` is always false: a cache in
 * front remembers nothing, since no verdict may be used twice.
 *
 * Not for Txn-Tokens, which are used by every service on their way, and not where callers repeat a request that failed.
 * @throws WatchwordError `config_invalid`
 */
export function createSingleUseVerifier(verifier: Verifier, spent: SpentTokens): Verifier {
  assertConfig(typeof verifier?.verify === 'function', 'singleUse.verifier: must be a verifier');
  assertConfig(typeof spent?.spend === 'function', 'singleUse.spent: must be a ledger of spent tokens');
  return {
    policyId: createHash('sha256').update(`single use ${verifier.policyId}`).digest('base64url'),
    async verify(compact) {
      const token = await verifier.verify(compact);
      if (!(await spend(token, spent))) throw new WatchwordError('token_replayed');
      return token;
    },
    holds: () => false,
  };
}

async function spend(token: VerifiedToken, spent: SpentTokens): Promise<boolean> {
  const { jti } = token.claims;
  if (jti === undefined) throw new WatchwordError('claim_missing', 'Claim jti is missing: a one-time token needs one');
  // The issuer belongs to it: two issuers may give the same jti. JSON keeps the two apart whatever characters they have.
  const id = createHash('sha256')
    .update(JSON.stringify([token.issuer, jti]))
    .digest('base64url');
  try {
    return (await spent.spend(id, token.window.expiresAtMs + KEEP_AFTER_MS)) === true;
  } catch (cause) {
    throw new WatchwordError('replay_unavailable', undefined, { cause });
  }
}
