/** What scripts are told of entries, claims and outcomes: texts and numbers, in the order in which they read them. */
import { type Claim, type NewEntry, type Outcome, type QueueLimits, type Release, roomOf } from '@watchword/deferred';
import type { Argument } from './evaluate.ts';

/** Entries in one run of a script, so that nobody else waits for it long. */
export const AT_ONCE = 256;

/** For ACCEPT. */
export function factsOfEntry(entry: NewEntry, limits: Required<QueueLimits>): readonly Argument[] {
  const { id, fingerprint, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey = '', payload } = entry;
  const { bytes } = roomOf(payload);
  const stored = [id, fingerprint, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, bytes, payload];
  return [...stored, limits.entries, limits.bytes, limits.issuerShare, limits.clientShare];
}

/** For EXTEND. */
export function factsOfClaim({ entry, token }: Claim): readonly Argument[] {
  return [entry.id, token];
}

/** For SETTLE. */
export function factsOfEnd([claim, outcome]: readonly [Claim, Outcome]): readonly Argument[] {
  const name = factsOfClaim(claim);
  if (outcome.state !== 'done') {
    const isUnverified = outcome.state === 'refused' && outcome.isUnverified === true;
    return [...name, isUnverified ? 'unverified' : outcome.state, outcome.reason, 'no', ''];
  }
  const { state, status, result } = outcome;
  return result === undefined ? [...name, state, status, 'no', ''] : [...name, state, status, 'yes', result];
}

/** For RELEASE. */
export function factsOfRelease({ claim, notBeforeMs, isUntouched = false }: Release): readonly Argument[] {
  return [...factsOfClaim(claim), notBeforeMs, Number(isUntouched)];
}

/** As many as go into one run. */
export function* inParts<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += AT_ONCE) yield items.slice(from, from + AT_ONCE);
}
