/** Which verdicts a withdrawal means. */
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Withdrawal } from '../verify/withdrawal.ts';

/** The facts by which verdicts are withdrawn. */
export const FACTS = ['keyId', 'kid', 'jti', 'sid', 'sub'] as const;

/** One of {@link FACTS}. */
export type Fact = (typeof FACTS)[number];

/** The value of a fact, by which an index finds the verdict; undefined: it has none. */
export function valueOf(fact: Fact, { key, header, claims }: VerifiedToken): string | undefined {
  if (fact === 'keyId') return key.id;
  // A token may leave out the key id; the key that verified it knows. Where both have one a verifier sees to it that they agree.
  const value = fact === 'kid' ? (header.kid ?? key.kid) : claims[fact];
  return typeof value === 'string' ? value : undefined;
}

/** What a withdrawal names; undefined for one of a kind that this version does not know. */
export function target(withdrawal: Withdrawal): { readonly fact: Fact; readonly value: string } | undefined {
  const members = withdrawal as Readonly<Record<string, unknown>>;
  for (const fact of FACTS) {
    const value = members[fact];
    if (typeof value === 'string') return { fact, value };
  }
  return undefined;
}

/** Whether a withdrawal means a verdict: compared exactly, whatever hash led to it. */
export function isWithdrawn(token: VerifiedToken, withdrawal: Withdrawal): boolean {
  const named = target(withdrawal);
  if (named === undefined || token.issuer !== withdrawal.issuer || valueOf(named.fact, token) !== named.value) return false;
  if (!('issuedBefore' in withdrawal)) return true;
  // A token without iat counts as older than everything.
  const { iat } = token.claims;
  return typeof iat !== 'number' || iat < withdrawal.issuedBefore;
}
