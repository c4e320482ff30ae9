/** Handlers of a kafkajs consumer that run as the caller of each message, verified before they are entered (MQ-5). */
import {
  type Failure,
  type Identity,
  type MessageGuard,
  assertConfig,
  deadLetterHeaders,
  fromMessageHeaders,
  withoutIdentityHeaders,
} from '@watchword/core';
import type { EachMessageHandler, EachMessagePayload, IHeaders, KafkaMessage, Producer } from 'kafkajs';

/** What a handler gets: the message without our headers, and whose it is; undefined on a public topic. */
export type MessageHandler = (payload: EachMessagePayload, identity: Identity | undefined) => unknown;

/** What becomes of messages that are refused, or whose handler fails too often. Kafka has no place for them by itself. */
export type DeadLetter =
  /** They are passed over; `onSettled` of the guard is told. */
  | 'skip'
  /** They go to another topic first, with the header `watchword-reason` and without their Txn-Token. */
  | { readonly producer: Pick<Producer, 'send'>; readonly topic: string };

/** Options of {@link guardMessages}. */
export interface GuardMessagesOptions {
  readonly deadLetter: DeadLetter;
}

/**
 * Makes what `consumer.run({ eachMessage })` takes. Rules and vouchers go by the topic.
 *
 * A message that is to be delivered again rejects, so that kafkajs pauses and repeats it, with its own `retry` settings, before any
 * later one of its partition. Deliveries are counted in this process: a restart counts anew. Its offset is resolved only when it is
 * done, skipped, or safe among the dead letters.
 * @throws WatchwordError `config_invalid`
 */
export function guardMessages(guard: MessageGuard, options: GuardMessagesOptions, handler: MessageHandler): EachMessageHandler {
  const { deadLetter } = options;
  assertConfig(deadLetter === 'skip' || typeof deadLetter?.topic === 'string', 'deadLetter: must be "skip" or a topic');
  const deliveries = new DeliveryCount();
  return async (payload) => {
    const { topic, message } = payload;
    const delivery = deliveries.count(payload);
    const headers = fromMessageHeaders(Object.entries(message.headers ?? {}));
    const shown = { ...payload, message: { ...message, headers: withoutIdentityHeaders(message.headers) } as KafkaMessage };
    const settlement = await guard.handle({ topic, headers, delivery }, (identity) => handler(shown, identity));
    if (settlement.action === 'retry') throw settlement.error;
    if (settlement.action === 'dead-letter' && deadLetter !== 'skip') await bury(payload, settlement, deadLetter);
  };
}

async function bury({ topic, message }: EachMessagePayload, failure: Failure, to: Exclude<DeadLetter, 'skip'>): Promise<void> {
  const headers: IHeaders = { ...deadLetterHeaders(message.headers, failure), 'watchword-topic': topic };
  // All replicas have it before its offset is resolved.
  await to.producer.send({ topic: to.topic, acks: -1, messages: [{ key: message.key, value: message.value, headers }] });
}

/** Deliveries of the message in hand, one for each partition: kafkajs repeats it before the next. */
class DeliveryCount {
  readonly #current = new Map<string, { offset: string; count: number }>();

  count({ topic, partition, message: { offset } }: EachMessagePayload): number {
    const key = `${topic} ${partition}`;
    const known = this.#current.get(key);
    const count = known?.offset === offset ? known.count + 1 : 1;
    this.#current.set(key, { offset, count });
    return count;
  }
}
