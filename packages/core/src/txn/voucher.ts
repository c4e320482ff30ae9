/** Vouchers: what a Txn-Token is exchanged for before its work waits in a queue, and what becomes of them afterwards (TT-34). */
import { WatchwordError } from '../errors.ts';
import { encodeBase64url } from '../jws/base64url.ts';
import { normalizeType } from '../verify/token-type.ts';
import { type JsonObject, VerifiedToken } from '../verify/verified-token.ts';
import { grantedScope, tokenId } from './granted.ts';
import type { MinterSettings } from './mint.ts';
import { beginOf, chainOf, txnTokenOf } from './replace.ts';

/** `typ` of a voucher: nobody who takes Txn-Tokens takes one (TT-34: it is no token to call anybody with). */
export const VOUCHER_TYPE = 'txn-voucher+jwt';

/** Header of a message that carries a voucher, in lower case. */
export const TXN_VOUCHER_HEADER = 'txn-voucher';

/** Longest life of a voucher, in seconds (Txn-Token BCP: 7 days). */
export const MAX_VOUCHER_SECONDS = 604_800;

/** What a voucher is asked for. */
export interface VoucherRequest {
  /** The verified Txn-Token, still good. */
  readonly subject: VerifiedToken;
  /** Where the message goes: the voucher is good for this topic alone. */
  readonly topic: string;
  /** Seconds until the voucher ends, at most a week; sooner where the transaction ends sooner. */
  readonly maxAgeSeconds: number;
  /** Scope wanted; must be granted by the token. Default: all of it. */
  readonly scopes?: readonly string[];
  /** The workload that enqueues. Default: that of the minter. */
  readonly requestingWorkload?: string;
}

/** What a voucher is redeemed with. */
export interface RedemptionRequest {
  /** The verified voucher. */
  readonly subject: VerifiedToken;
  /** Where the message came from. */
  readonly topic: string;
  readonly scopes?: readonly string[];
  /** The workload that consumes. Default: that of the minter. */
  readonly requestingWorkload?: string;
}

/** Gets vouchers: the side of a producer. Made by `createVoucherClient` of @watchword/fetch. */
export interface VoucherIssuer {
  /** @throws WatchwordError (as a rejection): the message must not be sent */
  issue(request: { readonly txnToken: string; readonly topic: string }): Promise<string>;
}

/** Turns vouchers into fresh Txn-Tokens: the side of a consumer. */
export interface VoucherRedeemer {
  /** @throws WatchwordError (as a rejection); its HTTP status tells a bad voucher (4xx) from an outage (5xx) */
  redeem(request: { readonly voucher: string; readonly topic: string }): Promise<string>;
}

/**
 * The claims of a voucher: those of the Txn-Token, narrowed, with a topic, an id and an end of its own.
 * @throws WatchwordError `token_expired`, `scope_unknown`, `scope_insufficient`, `claim_invalid`, `mint_failed`
 */
export function voucherClaims(
  request: VoucherRequest,
  settings: MinterSettings,
  nowMs: number,
): JsonObject & { readonly exp: number } {
  const { claims } = txnTokenOf(request.subject, settings);
  assertUnexpired(claims.exp, nowMs);
  const iat = Math.floor(nowMs / 1000);
  // However many queues a transaction passes, it ends with its first voucher (BCP: a hard total lifetime).
  const exp = Math.min(iat + Math.min(request.maxAgeSeconds, MAX_VOUCHER_SECONDS), readEnd(claims.txn_end));
  if (exp <= iat) throw new WatchwordError('token_expired', 'The transaction ends too soon for a voucher');
  return {
    ...claims,
    ...(settings.issuer === undefined ? {} : { iss: settings.issuer }),
    iat,
    exp,
    txn_iat: beginOf(claims),
    scope: grantedScope(request),
    req_wl: request.requestingWorkload ?? settings.requestingWorkload,
    req_wl_chain: chainOf(claims, settings.maxReplacements),
    txn_topic: request.topic,
    jti: encodeBase64url(settings.randomBytes(16)),
  };
}

/**
 * The claims of the Txn-Token that a voucher is redeemed for: same transaction, principal and contexts, never more scope.
 * @throws WatchwordError `token_expired`, `audience_mismatch` for another topic, `scope_unknown`, `scope_insufficient`,
 * `claim_invalid`, `mint_failed`
 */
export function redeemedClaims(
  request: RedemptionRequest,
  settings: MinterSettings,
  nowMs: number,
): JsonObject & { readonly exp: number } {
  const { subject, topic } = request;
  if (!isVoucher(subject)) throw new WatchwordError('mint_failed', 'Only a verified voucher can be redeemed');
  const { txn_topic: boundTo, jti: _own, ...claims } = subject.claims;
  if (claims.aud !== settings.trustDomain) throw new WatchwordError('audience_mismatch');
  if (boundTo !== topic) throw new WatchwordError('audience_mismatch', 'The voucher is for another topic');
  assertUnexpired(claims.exp, nowMs);
  const iat = Math.floor(nowMs / 1000);
  const end = Math.min(Math.floor(claims.exp!), readEnd(claims.txn_end));
  const exp = Math.min(iat + settings.lifetimeSeconds, end);
  if (exp <= iat) throw new WatchwordError('token_expired', 'The voucher ends too soon for a Txn-Token');
  return {
    ...claims,
    ...(settings.issuer === undefined ? {} : { iss: settings.issuer }),
    iat,
    exp,
    scope: grantedScope(request),
    req_wl: request.requestingWorkload ?? settings.requestingWorkload,
    req_wl_chain: chainOf(subject.claims, settings.maxReplacements),
    txn_end: end,
    ...tokenId(settings),
  };
}

function isVoucher(token: VerifiedToken): boolean {
  return VerifiedToken.is(token) && normalizeType(token.header.typ ?? '') === VOUCHER_TYPE;
}

// Without the tolerance of verifiers, which would add up.
function assertUnexpired(end: number | undefined, nowMs: number): void {
  if (!(nowMs < (end ?? 0) * 1000)) throw new WatchwordError('token_expired');
}

function readEnd(value: unknown): number {
  if (value === undefined) return Infinity;
  if (typeof value !== 'number') throw new WatchwordError('claim_invalid', 'Claim txn_end is not a date');
  return Math.floor(value);
}
