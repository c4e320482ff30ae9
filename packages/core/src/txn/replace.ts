/** What a replacement of a Txn-Token says: never more than the token that it replaces (TT-24). */
import { WatchwordError } from '../errors.ts';
import { normalizeType } from '../verify/token-type.ts';
import { type Claims, type JsonObject, type JsonValue, VerifiedToken } from '../verify/verified-token.ts';
import { grantedScope, tokenId } from './granted.ts';
import type { MinterSettings, TxnRequest } from './mint.ts';

/**
 * The claims of a replacement.
 * @throws WatchwordError `token_expired`, `scope_unknown`, `scope_insufficient`, `claim_invalid`, `request_malformed`, `mint_failed`
 */
export function replacementClaims(
  request: TxnRequest,
  settings: MinterSettings,
  nowMs: number,
): JsonObject & { readonly exp: number } {
  const { claims } = txnTokenOf(request.subject, settings);
  const iat = Math.floor(nowMs / 1000);
  const end = claims.exp ?? 0;
  // TT-24: not from an expired one, and without the tolerance that verifiers allow: it would add up with each replacement.
  if (!(nowMs < end * 1000)) throw new WatchwordError('token_expired');
  const exp = Math.min(iat + settings.lifetimeSeconds, Math.floor(end));
  if (exp <= iat) throw new WatchwordError('token_expired', 'The Txn-Token ends too soon for another one');
  return {
    // TT-24: txn, sub, aud and what was mapped stay as they are.
    ...claims,
    ...(settings.issuer === undefined ? {} : { iss: settings.issuer }),
    iat,
    exp,
    txn_iat: beginOf(claims),
    scope: grantedScope(request),
    req_wl: request.requestingWorkload ?? settings.requestingWorkload,
    req_wl_chain: chainOf(claims, settings.maxReplacements),
    ...tokenId(settings),
    ...added('tctx', claims.tctx, request.transactionContext),
    ...added('rctx', claims.rctx, request.requestContext),
  };
}

/**
 * When the first Txn-Token of the transaction was issued. Each further one has an `iat` of its own, by which nobody could tell that
 * its principal was taken back before.
 */
export function beginOf({ txn_iat: begin, iat }: Claims): number {
  if (begin === undefined) return iat ?? 0;
  return typeof begin === 'number' ? begin : 0;
}

/** A verified Txn-Token of this domain. @throws WatchwordError `mint_failed`, `audience_mismatch` */
export function txnTokenOf(subject: VerifiedToken, { trustDomain }: MinterSettings): VerifiedToken {
  const isTxnToken = VerifiedToken.is(subject) && normalizeType(subject.header.typ ?? '') === 'txntoken+jwt';
  if (!isTxnToken) throw new WatchwordError('mint_failed', 'Only a verified Txn-Token can be replaced');
  // One name only: a token that were good in two domains could not be narrowed to this one without changing aud.
  if (subject.claims.aud !== trustDomain) throw new WatchwordError('audience_mismatch');
  return subject;
}

/** Workloads that asked for the earlier tokens, oldest first (TT-24: the chain is kept, its form is ours). */
export function chainOf({ req_wl_chain: earlier = [], req_wl: last }: Claims, maxReplacements: number): readonly string[] {
  const isChain = Array.isArray(earlier) && earlier.every((name) => typeof name === 'string') && typeof last === 'string';
  if (!isChain) throw new WatchwordError('claim_invalid', 'Claim req_wl_chain is not a list of workloads');
  const chain = [...(earlier as readonly string[]), last as string];
  if (chain.length > maxReplacements) {
    throw new WatchwordError('claim_invalid', 'The Txn-Token was replaced as often as it may be');
  }
  return chain;
}

function added(name: 'tctx' | 'rctx', before: JsonValue | undefined, more: JsonObject | undefined): JsonObject {
  if (before === undefined) return more === undefined ? {} : { [name]: more };
  const isObject = typeof before === 'object' && before !== null && !Array.isArray(before);
  if (!isObject) throw new WatchwordError('claim_invalid', `Claim ${name} is not an object`);
  const values = before as JsonObject;
  for (const [member, value] of Object.entries(more ?? {})) {
    if (!Object.hasOwn(values, member)) continue;
    if (JSON.stringify(values[member]) !== JSON.stringify(value)) {
      throw new WatchwordError('request_malformed', `A replacement cannot change what ${name} says`);
    }
  }
  return { [name]: { ...more, ...values } };
}
