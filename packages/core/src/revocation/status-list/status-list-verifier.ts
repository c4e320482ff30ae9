/** Refuses tokens by their status, as a decorator of any verifier. */
import { createHash } from 'node:crypto';
import { WatchwordError, assertConfig } from '../../errors.ts';
import { identityOf } from '../../object-identity.ts';
import { assertKnownOptions } from '../../options.ts';
import type { VerifiedToken } from '../../verify/verified-token.ts';
import { earlyRefusalOf, withEarlyRefusal } from '../../verify/early-refusal.ts';
import { narrowStanding, withStanding } from '../../verify/standing.ts';
import type { Verifier } from '../../verify/verifier.ts';
import { STATUS_VALID } from './status-bits.ts';
import { type StatusReference, readStatusReference } from './status-claim.ts';
import type { KnownStatus, StatusLists } from './status-lists.ts';

/** What to do with which status. */
export interface StatusListVerifierOptions {
  /** Whether a token of the issuer must name a status list. Default false: one without `status` is accepted. */
  readonly required?: boolean;
  /** What to do with tokens whose list can't be had. Default `refuse` (503); `accept` trusts what is known. */
  readonly whenStale?: 'refuse' | 'accept';
  /** Application-specific statuses (3 and 12 to 15, SL-4) that are good besides VALID. Default none. */
  readonly acceptedStatuses?: readonly number[];
}

/**
 * Puts the status lists of one issuer behind a verifier; tokens of other issuers pass through, so one decorator stands on the other
 * for several issuers. Order of use: `createCachedVerifier(createStatusListVerifier(createVerifier(...), ...))`, with
 * `createRevocableVerifier` on either side of it.
 * `verify` rejects with `token_revoked` (401) for every status but VALID and the accepted ones, INVALID and SUSPENDED included; with
 * `claim_invalid` for an address that is not allowed and for an index beyond the end; with `revocation_unavailable` (503) for an
 * otherwise good token while nobody can say. `holds` is false for what needs another `verify`, and throws `revocation_unavailable`
 * where that would only fail again: a cached verdict is then neither used nor lost.
 * @throws WatchwordError `config_invalid`
 */
export function createStatusListVerifier(
  verifier: Verifier,
  lists: StatusLists,
  options: StatusListVerifierOptions = {},
): Verifier {
  assertParts(verifier, lists);
  const policy = readPolicy(options);
  const referenceOf = (token: VerifiedToken): StatusReference | undefined =>
    token.issuer === lists.issuer ? readReference(token, policy) : undefined;
  const decorated: Verifier = {
    policyId: policyId(verifier, lists, policy),
    async verify(compact) {
      // The token itself comes first: what has expired is expired, whatever its status (SL-6).
      const token = await verifier.verify(compact);
      const reference = referenceOf(token);
      if (reference === undefined) return token;
      // A claim never leads to a fetch from anywhere but the configured addresses (C1).
      if (!lists.allows(reference.uri)) throw new WatchwordError('claim_invalid', 'Claim status names an address not allowed');
      if (!mustWait(lists.peek(reference), policy)) return judge(token, lists.peek(reference), policy);
      await lists.refresh(reference.uri);
      // Time has passed, in which the token may have expired or lost its key.
      const current = verifier.holds(token) ? token : await verifier.verify(compact);
      return judge(current, lists.peek(reference), policy);
    },
    holds(token) {
      if (!verifier.holds(token)) return false;
      const reference = referenceOf(token);
      if (reference === undefined) return true;
      const known = lists.peek(reference);
      return !isRefused(known, policy) && !mustWait(known, policy) && isCertain(known, policy);
    },
    ...(verifier.onWithdrawal === undefined ? {} : { onWithdrawal: (listener) => verifier.onWithdrawal!(listener) }),
  };
  // A token with a status is looked at each time; one without is not this decorator's.
  const isSettled = (token: VerifiedToken): boolean => referenceOf(token) === undefined;
  withEarlyRefusal(decorated, earlyRefusalOf(verifier));
  return withStanding(decorated, narrowStanding(verifier, { version: () => 0, isSettled, hold: () => true }));
}

interface StatusPolicy {
  readonly isRequired: boolean;
  readonly acceptsStale: boolean;
  readonly accepted: ReadonlySet<number>;
}

function assertParts(verifier: Verifier, lists: StatusLists): void {
  assertConfig(
    typeof verifier?.verify === 'function' && typeof verifier.holds === 'function',
    'statusList.verifier: must be a verifier',
  );
  assertConfig(
    !('recall' in verifier),
    'statusList.verifier: put the cache in front: createCachedVerifier(createStatusListVerifier(...))',
  );
  assertConfig(typeof lists?.peek === 'function', 'statusList.lists: make them with createStatusLists');
}

function readPolicy(options: StatusListVerifierOptions): StatusPolicy {
  assertKnownOptions(options, ['required', 'whenStale', 'acceptedStatuses'], 'statusList');
  const { required = false, whenStale = 'refuse', acceptedStatuses = [] } = options;
  assertConfig(typeof required === 'boolean', 'statusList.required: must be true or false');
  assertConfig(whenStale === 'refuse' || whenStale === 'accept', 'statusList.whenStale: must be "refuse" or "accept"');
  assertConfig(Array.isArray(acceptedStatuses), 'statusList.acceptedStatuses: must be a list');
  for (const status of acceptedStatuses)
    assertConfig(APPLICATION_SPECIFIC.has(status), 'statusList.acceptedStatuses: may hold 3, 12, 13, 14 and 15');
  return {
    isRequired: required,
    acceptsStale: whenStale === 'accept',
    accepted: new Set([STATUS_VALID, ...acceptedStatuses]),
  };
}

/** SL-4. The others are registered, or will be, with a meaning that is not ours to change. */
const APPLICATION_SPECIFIC: ReadonlySet<unknown> = new Set([3, 12, 13, 14, 15]);

function readReference(token: VerifiedToken, { isRequired }: StatusPolicy): StatusReference | undefined {
  const reference = readStatusReference(token.claims);
  if (reference === undefined && isRequired) throw new WatchwordError('claim_missing', 'Claim status is missing');
  return reference;
}

// Not while a fetch has failed and what is known will do: bad weather must not slow down the good.
function mustWait({ isFresh, outlook }: KnownStatus, { acceptsStale }: StatusPolicy): boolean {
  return outlook === 'due' || (outlook === 'failing' && !isFresh && !acceptsStale);
}

function judge(token: VerifiedToken, known: KnownStatus, policy: StatusPolicy): VerifiedToken {
  if (isRefused(known, policy)) throw new WatchwordError('token_revoked');
  // SL-6: an index beyond the end of a good list must be refused.
  if (known.isFresh && known.status === undefined) throw new WatchwordError('claim_invalid', 'Claim status has no such index');
  isCertain(known, policy);
  return token;
}

// What is known to be revoked is a bad token, however old the knowledge.
function isRefused({ status }: KnownStatus, { accepted }: StatusPolicy): boolean {
  return status !== undefined && !accepted.has(status);
}

// Throws rather than saying no, so that an outage costs a cache nothing.
function isCertain({ isFresh, status }: KnownStatus, { acceptsStale }: StatusPolicy): boolean {
  if (isFresh) return status !== undefined;
  if (!acceptsStale) throw new WatchwordError('revocation_unavailable', 'The status list of the token can not be had');
  return true;
}

function policyId(verifier: Verifier, lists: StatusLists, { isRequired, acceptsStale, accepted }: StatusPolicy): string {
  const facts = [isRequired, acceptsStale, [...accepted].sort((a, b) => a - b)];
  const text = JSON.stringify(['status-list', verifier.policyId, identityOf(lists), ...facts]);
  return createHash('sha256').update(text).digest('base64url');
}
