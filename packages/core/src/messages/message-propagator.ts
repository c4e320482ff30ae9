/** Decides what a message carries: the caller's Txn-Token, a voucher for it, or nothing. For any broker. */
import { TXN_TOKEN_HEADER } from '../carrier/carrier.ts';
import { currentIdentityOrNobody } from '../context/context.ts';
import { Identity } from '../context/identity.ts';
import { assertConfig } from '../errors.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import { TXN_VOUCHER_HEADER, type VoucherIssuer } from '../txn/voucher.ts';
import { createTopicTable } from './topics.ts';

/** Where identities may go. */
export interface MessagePropagatorOptions {
  /** Topics, queues or subjects whose messages carry the caller's Txn-Token; the default is none. */
  readonly topics?: readonly string[];
  /** Topics whose messages wait longer than a Txn-Token lives: they carry a voucher instead (TT-34). */
  readonly vouchers?: {
    readonly topics: readonly string[];
    /** Exchanges the token for a voucher; `createVoucherClient` of @watchword/fetch makes one. */
    readonly issuer: VoucherIssuer;
  };
}

/** The one header that a message carries. */
export interface IdentityHeader {
  /** Lower case; a broker whose names keep their case has a spelling of its own (MQ-3). */
  readonly name: typeof TXN_TOKEN_HEADER | typeof TXN_VOUCHER_HEADER;
  readonly value: string;
}

/** Decides, for any kind of message. */
export interface MessagePropagator {
  /** Whether an identity may be sent to this topic. */
  allows(topic: string): boolean;
  /**
   * The header for a message to this topic, on behalf of whoever is the caller now; undefined: it carries none. The adapter removes
   * every header of ours that somebody else put there, in any case (TT-31).
   * @throws WatchwordError `context_lost` when the topic is listed and nobody said on whose behalf the message is sent; as a
   * rejection, why there is no voucher
   */
  headerFor(topic: string): Promise<IdentityHeader | undefined>;
}

/** Builds one. @throws WatchwordError `config_invalid` naming the option */
export function createMessagePropagator(options: MessagePropagatorOptions): MessagePropagator {
  assertKnownOptions(options, ['topics', 'vouchers'], 'messages');
  const { topics = [], vouchers } = options;
  const table = createTopicTable([...listed(topics, 'token'), ...voucherTopics(vouchers)], 'messages.topics');
  const overlap = topics.find((topic) => vouchers?.topics.includes(topic));
  assertConfig(overlap === undefined, 'messages.vouchers.topics: a topic carries tokens or vouchers, not both');
  return {
    allows: (topic) => table.find(topic) !== undefined,
    // Not async before this point: the caller is whoever calls.
    headerFor(topic) {
      try {
        return headerFor(topic, table.find(topic)?.rule, vouchers?.issuer);
      } catch (thrown) {
        return Promise.reject(thrown as Error);
      }
    },
  };
}

type Carried = 'token' | 'voucher';

function headerFor(
  topic: string,
  carried: Carried | undefined,
  issuer: VoucherIssuer | undefined,
): Promise<IdentityHeader | undefined> {
  if (carried === undefined) return Promise.resolve(undefined);
  const identity = currentIdentityOrNobody();
  const txnToken = identity && Identity.txnTokenOf(identity);
  if (txnToken === undefined) return Promise.resolve(undefined);
  if (carried === 'token') return Promise.resolve({ name: TXN_TOKEN_HEADER, value: txnToken });
  return issuer!.issue({ txnToken, topic }).then((value) => ({ name: TXN_VOUCHER_HEADER, value }));
}

function listed(topics: readonly string[], carried: Carried): [string, Carried][] {
  assertConfig(Array.isArray(topics), 'messages.topics: must be a list');
  return topics.map((topic: string) => [topic, carried]);
}

function voucherTopics(vouchers: MessagePropagatorOptions['vouchers']): [string, Carried][] {
  if (vouchers === undefined) return [];
  assertKnownOptions(vouchers, ['topics', 'issuer'], 'messages.vouchers');
  assertFunction(vouchers.issuer?.issue, 'messages.vouchers.issuer.issue');
  return listed(vouchers.topics, 'voucher');
}
