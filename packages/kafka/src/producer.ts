/** Messages that carry the caller: a kafkajs producer whose messages have one `txn-token` or `txn-voucher` header, or none (MQ-1). */
import { type MessagePropagator, withoutIdentityHeaders } from '@watchword/core';
import type { Message, Producer, Transaction } from 'kafkajs';

type Sender = Pick<Producer, 'send' | 'sendBatch'>;

/**
 * Wraps a producer, its transactions too. The caller is the one in whose context it is called. What the application set under a name
 * of ours is removed, under every spelling; key, value and other headers, CloudEvents attributes among them, stay as they are.
 * `send` rejects with `context_lost` for a listed topic where nobody said on whose behalf the message is sent.
 */
export function propagate(producer: Producer, propagator: MessagePropagator): Producer {
  return {
    ...producer,
    ...carrying(producer, propagator),
    async transaction(): Promise<Transaction> {
      const transaction = await producer.transaction();
      return { ...transaction, ...carrying(transaction, propagator) };
    },
  };
}

function carrying(sender: Sender, propagator: MessagePropagator): Sender {
  return {
    send: async (record) => sender.send({ ...record, messages: await stampAll(record.topic, record.messages, propagator) }),
    async sendBatch(batch) {
      const topicMessages = batch.topicMessages?.map(async ({ topic, messages }) => ({
        topic,
        messages: await stampAll(topic, messages, propagator),
      }));
      return sender.sendBatch({ ...batch, topicMessages: await Promise.all(topicMessages ?? []) });
    },
  };
}

// A voucher is for one message.
function stampAll(topic: string, messages: readonly Message[], propagator: MessagePropagator): Promise<Message[]> {
  const stamp = async (message: Message): Promise<Message> => {
    const identity = await propagator.headerFor(topic);
    const headers = withoutIdentityHeaders(message.headers);
    return { ...message, headers: identity === undefined ? headers : { ...headers, [identity.name]: identity.value } };
  };
  return Promise.all(messages.map(stamp));
}
