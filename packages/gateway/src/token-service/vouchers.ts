/** Vouchers (TT-34): a live Txn-Token in before its work waits in a queue, a fresh one out when the work is done. */
import { createHash } from 'node:crypto';
import { type SpentTokens, type TxnMinter, type VerifiedToken, WatchwordError, scopeValues } from '@watchword/core';
import type { VoucherTopicConfig, VouchersConfig } from '../config/sections/vouchers.ts';
import type { TokenClient } from './clients/client.ts';
import { type Exchange, type ExchangeRequest, readScopes, toAnswer } from './exchange.ts';
import { OAuthError, assertOAuth, toOAuthError } from './oauth-error.ts';
import { type SubjectKind, type Subjects, TXN_TOKEN_TYPE, VOUCHER_TOKEN_TYPE } from './subjects.ts';

/** What they are made of. */
export interface VoucherOptions {
  readonly section: VouchersConfig;
  readonly trustDomain: string;
  readonly subjects: Subjects;
  readonly minter: Pick<TxnMinter, 'issueVoucher' | 'redeemVoucher'>;
  readonly spent: SpentTokens;
  readonly onIssued: (kind: SubjectKind) => void;
}

/** Serves what has to do with vouchers, and leaves everything else to `exchange`. */
export function withVouchers(exchange: Exchange, options: VoucherOptions): Exchange {
  const { subjects, minter, section, spent, onIssued } = options;
  const issue: Exchange = async (request, caller) => {
    const { topic, name, subjectToken } = readRequest(request, caller.client, 'producers', options);
    const subject = await subjects.verify('txn', subjectToken);
    const maxAgeSeconds = topic.maxAgeSeconds ?? section.maxAgeSeconds;
    const wanted = { subject, topic: name, maxAgeSeconds, scopes: scopesOf(request, subject, topic, caller.client) };
    return toAnswer(minter.issueVoucher({ ...wanted, requestingWorkload: caller.client.workload }), VOUCHER_TOKEN_TYPE);
  };
  const redeem: Exchange = async (request, caller) => {
    const { topic, name, subjectToken } = readRequest(request, caller.client, 'consumers', options);
    // Signature, key, end and revocations are judged now, not when the message was sent.
    const subject = await subjects.verify('voucher', subjectToken);
    const wanted = { subject, topic: name, scopes: scopesOf(request, subject, topic, caller.client) };
    const compact = minter.redeemVoucher({ ...wanted, requestingWorkload: caller.client.workload });
    // Last: a voucher that is refused is not used up.
    await countRedemption(subject, section.maxRedemptions, spent);
    onIssued('voucher');
    return toAnswer(compact);
  };
  return async (request, caller) => {
    const act = actionOf(request, issue, redeem) ?? exchange;
    try {
      return await act(request, caller);
    } catch (thrown) {
      throw toOAuthError(thrown);
    }
  };
}

function actionOf(request: ExchangeRequest, issue: Exchange, redeem: Exchange): Exchange | undefined {
  if (request.requestedTokenType === VOUCHER_TOKEN_TYPE) return issue;
  return request.subjectTokenType === VOUCHER_TOKEN_TYPE ? redeem : undefined;
}

/** Longest voucher that is looked at. */
const MAX_TOKEN_LENGTH = 8192;

function readRequest(
  request: ExchangeRequest,
  client: TokenClient,
  side: 'producers' | 'consumers',
  { section, trustDomain }: VoucherOptions,
): { readonly topic: VoucherTopicConfig; readonly name: string; readonly subjectToken: string } {
  const { subjectToken, subjectTokenType, requestedTokenType, audiences, resources, hasActor, topic: name } = request;
  // A Txn-Token for a voucher, or a voucher for a Txn-Token; nothing else for either.
  const [given, wanted] = side === 'producers' ? [TXN_TOKEN_TYPE, VOUCHER_TOKEN_TYPE] : [VOUCHER_TOKEN_TYPE, TXN_TOKEN_TYPE];
  assertOAuth(subjectTokenType === given, 'invalid_request', 'Vouchers are issued for Txn-Tokens only');
  assertOAuth(requestedTokenType === wanted, 'invalid_request', 'Vouchers are redeemed for Txn-Tokens only');
  assertOAuth(subjectToken !== undefined, 'invalid_request', 'subject_token is required');
  assertOAuth(subjectToken.length <= MAX_TOKEN_LENGTH, 'invalid_request', 'The subject token was not accepted');
  assertOAuth(!hasActor, 'invalid_request', 'Actor tokens are not accepted');
  // What the token says of its contexts is all that the work is told.
  const hasContext = request.requestContext !== undefined || request.requestDetails !== undefined;
  assertOAuth(!hasContext, 'invalid_request', 'A voucher takes no contexts');
  const isHere = audiences.length === 1 && audiences[0] === trustDomain && resources.length === 0;
  assertOAuth(isHere, 'invalid_target', 'Tokens are issued for the trust domain only');
  assertOAuth(name !== undefined, 'invalid_request', 'topic is required');
  const topic = Object.hasOwn(section.topics, name) ? section.topics[name] : undefined;
  // MQ-5: who may write to a topic and who may read it is decided here, by the name that the client proved, not by a broker.
  const isAllowed = topic?.[side].includes(client.id) === true;
  assertOAuth(topic !== undefined && isAllowed, 'unauthorized_client', 'The client may not do this for the topic');
  return { topic, name, subjectToken };
}

// Without a wish: all that token, topic and client have in common.
function scopesOf(
  { scope }: ExchangeRequest,
  { claims }: VerifiedToken,
  topic: VoucherTopicConfig,
  client: TokenClient,
): readonly string[] {
  if (scope !== undefined) {
    const wanted = readScopes(scope, client);
    const isAllowed = topic.scopes === undefined || wanted.every((value) => topic.scopes!.includes(value));
    assertOAuth(isAllowed, 'invalid_scope', 'The scope does not go through the topic');
    return wanted;
  }
  const isKept = (value: string): boolean =>
    (client.scopes?.has(value) ?? true) && (topic.scopes === undefined || topic.scopes.includes(value));
  return scopeValues(claims.scope).filter(isKept);
}

/** A note outlives its voucher by this much, so that clocks that differ bring none back. */
const KEEP_AFTER_MS = 3_600_000;

// One note for each time: the ledger can note, not count. Of all instances exactly one gets each.
async function countRedemption({ claims, window }: VerifiedToken, most: number, spent: SpentTokens): Promise<void> {
  try {
    for (let time = 1; time <= most; time += 1) {
      const id = createHash('sha256')
        .update(JSON.stringify(['voucher', claims.jti, time]))
        .digest('base64url');
      if ((await spent.spend(id, window.expiresAtMs + KEEP_AFTER_MS)) === true) return;
    }
  } catch (cause) {
    throw new WatchwordError('replay_unavailable', undefined, { cause });
  }
  throw new OAuthError('invalid_request', 'The subject token was not accepted', {
    cause: new WatchwordError('token_replayed', 'The voucher was redeemed as often as it may be'),
  });
}
