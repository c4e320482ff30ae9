/** Guards the handlers of messages: verify first, run as the caller, and say what is to become of the message. For any broker. */
import process from 'node:process';
import { type HeaderSource, TXN_TOKEN_HEADER, fromRecord } from '../carrier/carrier.ts';
import { runAnonymous, runWithIdentity } from '../context/context.ts';
import type { Identity } from '../context/identity.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import type { Pipeline, Requirement } from '../pipeline.ts';
import { TXN_VOUCHER_HEADER, type VoucherRedeemer } from '../txn/voucher.ts';
import { type RetryRules, type Settlement, type SettlementReason, settleFailure, settleRefusal } from './settlement.ts';
import { type TopicTable, createTopicTable } from './topics.ts';

/** By topic, queue or subject. What is not named is refused. */
export type TopicRules = Readonly<Record<string, Requirement | 'public'>>;

/** What a guard is made of. */
export interface MessageGuardOptions {
  /** Verifies the Txn-Tokens; made by `createTxnPipeline`. */
  readonly pipeline: Pipeline;
  readonly topics: TopicRules;
  /**
   * Redeems vouchers. Default: none are taken, and a token that expired while it was queued is refused as `txn_expired`
   * (TT-33, MQ-5).
   */
  readonly vouchers?: VoucherRedeemer;
  /** Deliveries of a message whose handler fails, until it is a dead letter. Default 5. */
  readonly maxDeliveries?: number;
  /** Time before the second delivery, doubled for each that follows up to 30 s. Default 1000. */
  readonly retryAfterMs?: number;
  /** Is told of each message, for metrics and logs. What it throws is a process warning. */
  readonly onSettled?: (report: MessageReport) => void;
}

/** What became of one message. Names come from the rules, never from a message. */
export interface MessageReport {
  /** The rule that counted; `unlisted`: none. */
  readonly topic: string;
  readonly action: Settlement['action'];
  readonly reason: SettlementReason | undefined;
  readonly delivery: number;
}

/** A message, as an adapter sees it. */
export interface DeliveredMessage {
  /** The name that the rules know. Never one that the sender may choose freely. */
  readonly topic: string;
  /** Where the sender sent it, if that has another name: what a voucher is bound to. Default: `topic`. */
  readonly sentTo?: string;
  readonly headers: HeaderSource;
  /** 1 for the first delivery; Infinity: again, and nobody counts. */
  readonly delivery: number;
  /** 1 for the first time that the handler is entered, where the broker tells that from a delivery. Default: `delivery`. */
  readonly attempt?: number;
  /** Whether the broker has a limit of its own, and this is the last delivery if the handler fails. Default false. */
  readonly isLast?: boolean;
}

/** Guards handlers. */
export interface MessageGuard {
  readonly maxDeliveries: number;
  /**
   * Verifies, runs the handler as the caller, or on nobody's behalf for a public topic, and says what is to become of the message
   * afterwards. Never rejects.
   */
  handle(message: DeliveredMessage, handler: (identity: Identity | undefined) => unknown): Promise<Settlement>;
}

const OPTIONS = ['pipeline', 'topics', 'vouchers', 'maxDeliveries', 'retryAfterMs', 'onSettled'];

/** Builds a guard. @throws WatchwordError `config_invalid` naming the option */
export function createMessageGuard(options: MessageGuardOptions): MessageGuard {
  assertKnownOptions(options, OPTIONS, 'guard');
  const { pipeline, vouchers, onSettled = () => undefined } = options;
  assertConfig(pipeline?.source === 'txn-token', 'guard.pipeline: make it with createTxnPipeline');
  assertConfig(vouchers === undefined || typeof vouchers.redeem === 'function', 'guard.vouchers: must redeem vouchers');
  assertFunction(onSettled, 'guard.onSettled');
  const topics = readRules(options.topics);
  const rules: RetryRules = {
    maxDeliveries: assertBetween(options.maxDeliveries ?? 5, 1, 1000, 'guard.maxDeliveries'),
    retryAfterMs: assertBetween(options.retryAfterMs ?? 1000, 1, 3_600_000, 'guard.retryAfterMs'),
  };
  return {
    maxDeliveries: rules.maxDeliveries,
    async handle(message, handler) {
      const settlement = await settle(message, handler, { pipeline, vouchers, topics, rules });
      const { action } = settlement;
      const reason = action === 'done' ? undefined : settlement.reason;
      tell(onSettled, { topic: topics.find(message.topic)?.name ?? 'unlisted', action, reason, delivery: message.delivery });
      return settlement;
    },
  };
}

// A counter that fails must not make a message that is done come again.
function tell(onSettled: (report: MessageReport) => void, report: MessageReport): void {
  try {
    onSettled(report);
  } catch {
    process.emitWarning('onSettled of a message guard threw', 'WatchwordWarning');
  }
}

interface Parts {
  readonly pipeline: Pipeline;
  readonly vouchers: VoucherRedeemer | undefined;
  readonly topics: TopicTable<Requirement | 'public'>;
  readonly rules: RetryRules;
}

async function settle(
  message: DeliveredMessage,
  handler: (identity: Identity | undefined) => unknown,
  parts: Parts,
): Promise<Settlement> {
  let identity: Identity | undefined;
  try {
    identity = await admit(message, parts);
  } catch (thrown) {
    return settleRefusal(thrown, message.delivery, parts.rules);
  }
  try {
    const run = async (): Promise<unknown> => handler(identity);
    return { action: 'done', result: await (identity === undefined ? runAnonymous(run) : runWithIdentity(identity, run)) };
  } catch (thrown) {
    return settleFailure(thrown, message.isLast === true ? Infinity : (message.attempt ?? message.delivery), parts.rules);
  }
}

// MQ-5: before anything is processed. A redelivery is verified again, and by the same token it is the same caller.
async function admit(
  { topic, sentTo = topic, headers }: DeliveredMessage,
  { pipeline, vouchers, topics }: Parts,
): Promise<Identity | undefined> {
  const rule = topics.find(topic)?.rule;
  if (rule === undefined) throw new WatchwordError('route_unknown', 'No rule for the topic');
  if (rule === 'public') return undefined;
  const [voucher, ...more] = headers.values(TXN_VOUCHER_HEADER);
  if (voucher === undefined) return pipeline.admit(headers, rule);
  // One message, one caller (MQ-1).
  const isAlone = more.length === 0 && headers.values(TXN_TOKEN_HEADER).length === 0;
  if (!isAlone) throw new WatchwordError('token_ambiguous', 'A message carries one token or one voucher');
  if (vouchers === undefined) throw new WatchwordError('voucher_refused', 'Vouchers are not taken here');
  const token = await vouchers.redeem({ voucher, topic: sentTo });
  return pipeline.admit(fromRecord({ [TXN_TOKEN_HEADER]: token }), rule);
}

// RFC 6749 section 3.3: scope-token.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

// So that a typing error never means "no scopes asked for".
function readRules(rules: TopicRules): TopicTable<Requirement | 'public'> {
  assertConfig(typeof rules === 'object' && rules !== null && !Array.isArray(rules), 'guard.topics: must be an object');
  assertConfig(Object.keys(rules).length > 0, 'guard.topics: must not be empty');
  for (const [name, rule] of Object.entries(rules)) {
    if (rule === 'public') continue;
    const place = `guard.topics[${JSON.stringify(name)}]`;
    assertKnownOptions(rule, ['scopes'], place);
    const { scopes } = rule;
    const isGood = Array.isArray(scopes) && scopes.length > 0 && scopes.every((scope) => SCOPE.test(scope));
    assertConfig(scopes === undefined || isGood, `${place}.scopes: must be a list of scope-tokens of RFC 6749`);
  }
  return createTopicTable(Object.entries(rules), 'guard.topics');
}
