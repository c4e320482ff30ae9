/** The standing of a plain verifier: verdicts of one issuer and key rest on the same grounds. */
import type { IssuerRules, TrustPolicy } from './policy.ts';
import type { Grounds, Standing } from './standing.ts';
import { VerifiedToken } from './verified-token.ts';

/** Grounds kept by name: of more keys than any program trusts at a time. Others are made anew. */
const MAX_KNOWN = 4096;

/** @param policy what `holds` goes by */
export function createPolicyStanding(policy: TrustPolicy): Standing {
  const known = new Map<string, Grounds>();
  return {
    // Time and key trust are all that can change, and the grounds look at both each time.
    version: 0,
    groundsOf(token) {
      const rules = VerifiedToken.is(token) ? policy.issuers.get(token.issuer) : undefined;
      if (rules === undefined) return undefined;
      const name = JSON.stringify([token.issuer, token.header.alg, token.header.kid ?? null, token.key.id]);
      let grounds = known.get(name);
      if (grounds === undefined) {
        if (known.size >= MAX_KNOWN) known.clear();
        known.set(name, (grounds = groundsFor(policy, rules, token)));
      }
      return grounds;
    },
  };
}

// Nothing of the token itself is kept.
function groundsFor(
  { clock }: TrustPolicy,
  { keys }: IssuerRules,
  { header: { alg, kid }, key: { id } }: VerifiedToken,
): Grounds {
  return {
    hold(from, until) {
      const nowMs = clock();
      // A clock that gives text, or anything but a finite number, gives no time (B2).
      return Number.isFinite(nowMs) && nowMs >= from * 1000 && nowMs < until * 1000 && keys.lookup(alg, kid, nowMs)?.id === id;
    },
  };
}
