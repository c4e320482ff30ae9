/** Lets the revocation of a person reach what was issued here on that person's behalf, under the name of whoever knows the person. */
import { createHash } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { identityOf } from '../object-identity.ts';
import type { RevocationView } from '../revocation/freshness.ts';
import { type VerifiedToken, createVerifiedToken } from '../verify/verified-token.ts';
import type { Verifier } from '../verify/verifier.ts';
import { beginOf } from './replace.ts';

/**
 * Puts the revocations of `issuers` behind a verifier of vouchers. A Txn-Token does not say who issued the token that it was made
 * of, and lives for minutes; a voucher lives for days. So one whose subject or session any of these issuers took back since is
 * refused with `token_revoked`: rather one too many, where two issuers have a subject of the same name. What counts is when its
 * transaction began: whoever was taken back in between had a Txn-Token in hand that could still be exchanged.
 */
export function guardSubjects(
  verifier: Verifier,
  revocations: Pick<RevocationView, 'revokes'>,
  issuers: readonly string[],
  clock: Clock = systemClock,
): Verifier {
  const isRevoked = (token: VerifiedToken): boolean => {
    const nowMs = readClock(clock);
    const claims = { ...token.claims, iat: beginOf(token.claims) };
    return issuers.some((issuer) => revocations.revokes(createVerifiedToken({ ...token, claims, issuer }), nowMs));
  };
  return {
    policyId: createHash('sha256')
      .update(JSON.stringify(['subjects', verifier.policyId, identityOf(revocations), issuers]))
      .digest('base64url'),
    async verify(compact) {
      const token = await verifier.verify(compact);
      if (isRevoked(token)) throw new WatchwordError('token_revoked');
      return token;
    },
    holds: (token) => verifier.holds(token) && !isRevoked(token),
  };
}
