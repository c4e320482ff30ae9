/** What is to become of a message: decided here for all brokers, done by each in its own way. */
import { type ErrorCode, type WatchwordError, toWatchwordError } from '../errors.ts';

/** Why a message was not done: of a closed set, for metrics and dead-letter lists (MQ-5). Never a value of the message. */
export type SettlementReason = Exclude<ErrorCode, `token_${string}`> | `txn_${string}` | 'topic_unknown' | 'handler_failed';

/** What is to be done with a message. */
export type Settlement =
  /** Acknowledge it. */
  | { readonly action: 'done'; readonly result: unknown }
  /** Deliver it again, not before `delayMs`. */
  | (Failure & { readonly action: 'retry'; readonly delayMs: number })
  /** Never deliver it again; keep it where somebody can look at it. */
  | (Failure & { readonly action: 'dead-letter' });

/** What went wrong. */
export interface Failure {
  /** `admission`: before the handler was entered. */
  readonly stage: 'admission' | 'handler';
  readonly reason: SettlementReason;
  /** What was thrown. That of a handler may hold anything. */
  readonly error: unknown;
}

/** Bounds of repetition. */
export interface RetryRules {
  /** Deliveries of a message whose handler fails, until it is a dead letter. */
  readonly maxDeliveries: number;
  /** Time before the second delivery, doubled for each that follows. */
  readonly retryAfterMs: number;
}

/** Longest time between two deliveries. */
const MAX_DELAY_MS = 30_000;

/** What becomes of a message that was not admitted. @param delivery 1 for the first */
export function settleRefusal(thrown: unknown, delivery: number, rules: RetryRules): Settlement {
  const error = toWatchwordError(thrown);
  const failure: Failure = { stage: 'admission', reason: reasonOf(error), error };
  const { http } = error.facts;
  // A good message is not refused for an outage of ours (ER-4), however long it takes. What nobody foresaw ends some time.
  const isOutage = http === 503 || http === 502 || http === 504;
  const isFinal = http < 500 || (!isOutage && delivery >= rules.maxDeliveries);
  return isFinal ? { ...failure, action: 'dead-letter' } : { ...failure, action: 'retry', delayMs: delayOf(delivery, rules) };
}

/** What becomes of a message whose handler failed. */
export function settleFailure(error: unknown, delivery: number, rules: RetryRules): Settlement {
  const failure: Failure = { stage: 'handler', reason: 'handler_failed', error };
  return delivery >= rules.maxDeliveries
    ? { ...failure, action: 'dead-letter' }
    : { ...failure, action: 'retry', delayMs: delayOf(delivery, rules) };
}

function reasonOf({ code }: WatchwordError): SettlementReason {
  if (code === 'route_unknown') return 'topic_unknown';
  return (code.startsWith('token_') ? `txn_${code.slice('token_'.length)}` : code) as SettlementReason;
}

function delayOf(delivery: number, { retryAfterMs }: RetryRules): number {
  return Math.min(retryAfterMs * 2 ** Math.max(0, delivery - 1), Math.max(MAX_DELAY_MS, retryAfterMs));
}
