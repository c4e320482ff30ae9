/** What is particular to Kafka: batches and transactions, counting, dead letters that cannot be stored. */
import { callerOf, createTrustDomain } from '@watchword/conformance';
import { type MessageGuardOptions, createMessageGuard, createMessagePropagator, runWithIdentity } from '@watchword/core';
import type { EachMessagePayload, Producer, ProducerBatch, ProducerRecord } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { guardMessages, propagate } from '../src/index.ts';

const trust = createTrustDomain();
const { identity, token } = await callerOf(trust, 'user-1');

// Only what reaches the library is looked at here; the suite runs against a broker.
function recordingProducer(): { producer: Producer; sent: (ProducerRecord | ProducerBatch)[] } {
  const sent: (ProducerRecord | ProducerBatch)[] = [];
  const send = async (record: ProducerRecord | ProducerBatch): Promise<[]> => {
    sent.push(record);
    return [];
  };
  const sender = { send, sendBatch: send };
  const producer = { ...sender, transaction: async () => ({ ...sender, commit: async () => undefined }) };
  return { producer: producer as unknown as Producer, sent };
}

function guardOf(changes: Partial<MessageGuardOptions> = {}): ReturnType<typeof createMessageGuard> {
  return createMessageGuard({ pipeline: trust.createPipeline(), topics: { orders: {} }, maxDeliveries: 3, ...changes });
}

function payloadOf(headers: object, offset = '7', partition = 0): EachMessagePayload {
  return { topic: 'orders', partition, message: { offset, headers, key: null, value: Buffer.from('x') } } as EachMessagePayload;
}

test('batches and transactions carry the caller, topic by topic, each message with a voucher of its own', async () => {
  const { producer, sent } = recordingProducer();
  let issued = 0;
  const issuer = { issue: async () => `v.${(issued += 1)}.w` };
  const propagator = createMessagePropagator({ topics: ['orders'], vouchers: { topics: ['later'], issuer } });
  const sender = propagate(producer, propagator);
  const batch = {
    acks: -1,
    topicMessages: [
      { topic: 'orders', messages: [{ value: 'a', headers: { TXN_TOKEN: 'theirs', ce_id: '1' } }] },
      { topic: 'later', messages: [{ value: 'b' }, { value: 'c' }] },
      { topic: 'other', messages: [{ value: 'd', headers: { 'txn-token': 'theirs' } }] },
    ],
  };
  await runWithIdentity(identity, () => sender.sendBatch(batch));
  const transaction = await sender.transaction();
  await runWithIdentity(identity, () => transaction.send({ topic: 'orders', messages: [{ value: 'e' }] }));
  const [first, second] = sent as [ProducerBatch, ProducerRecord];
  expect(first.acks).toBe(-1);
  expect(first.topicMessages!.map(({ messages }) => messages.map(({ headers }) => headers))).toEqual([
    [{ ce_id: '1', 'txn-token': token }],
    [{ 'txn-voucher': 'v.1.w' }, { 'txn-voucher': 'v.2.w' }],
    [{}],
  ]);
  expect(second.messages[0]!.headers).toEqual({ 'txn-token': token });
  await expect(sender.send({ topic: 'orders', messages: [{ value: 'f' }] })).rejects.toMatchObject({ code: 'context_lost' });
  expect(sent).toHaveLength(2);
});

describe('a message that fails', () => {
  const failing = (): never => {
    throw new Error('handler');
  };

  test('rejects with the error of the handler until it is a dead letter, counted by partition and offset', async () => {
    const receive = guardMessages(guardOf(), { deadLetter: 'skip' }, failing);
    const message = (offset: string, partition: number) => payloadOf({ 'txn-token': Buffer.from(token) }, offset, partition);
    for (let time = 1; time <= 2; time += 1) {
      await expect(receive(message('7', 0))).rejects.toThrow('handler');
      await expect(receive(message('7', 1))).rejects.toThrow('handler');
    }
    await receive(message('7', 0));
    await expect(receive(message('8', 0))).rejects.toThrow('handler');
    await receive(message('7', 1));
  });

  test('rejects, and is not lost, while its dead letter cannot be stored', async () => {
    const producer = { send: async () => Promise.reject(new Error('not enough replicas')) };
    const receive = guardMessages(guardOf(), { deadLetter: { producer, topic: 'dead' } }, failing);
    await expect(receive(payloadOf({}))).rejects.toThrow('not enough replicas');
  });

  test('is stored by all replicas, with its key, its reason and its topic', async () => {
    const { producer, sent } = recordingProducer();
    const receive = guardMessages(guardOf(), { deadLetter: { producer, topic: 'dead' } }, failing);
    const expired = await trust.badToken('expired');
    await receive(payloadOf({ 'txn-token': expired, ce_id: '1' }));
    const headers = { ce_id: '1', 'watchword-reason': 'txn_expired', 'watchword-topic': 'orders' };
    expect(sent).toEqual([{ topic: 'dead', acks: -1, messages: [{ key: null, value: Buffer.from('x'), headers }] }]);
  });
});

test('what becomes of dead letters must be said', () => {
  expect(() => guardMessages(guardOf(), {} as never, () => undefined)).toThrow(/deadLetter/);
});
