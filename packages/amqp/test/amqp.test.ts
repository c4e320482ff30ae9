/** What is particular to RabbitMQ: exchanges, its own dead letters, counts that a sender writes. */
import { EventEmitter } from 'node:events';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import {
  type MessageReport,
  type VoucherRedeemer,
  createMessageGuard,
  createMessagePropagator,
  currentIdentity,
  runWithIdentity,
} from '@watchword/core';
import { type ChannelModel, type ConfirmChannel, type Options, connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consume, propagate } from '../src/index.ts';
import { type RabbitServer, missing, startRabbitServer } from './support/rabbitmq-server.ts';

const trust = createTrustDomain();

describe.skipIf(missing !== undefined)(`with a server${missing === undefined ? '' : ` (${missing})`}`, () => {
  let server: RabbitServer;
  let connection: ChannelModel;
  let channel: ConfirmChannel;
  beforeAll(async () => {
    server = await startRabbitServer();
    connection = await connect(server.url);
    channel = await connection.createConfirmChannel();
  }, 60_000);
  afterAll(async () => {
    await connection?.close();
    await server?.stop();
  }, 30_000);

  function guardOf(reports: MessageReport[], topics: object, vouchers?: VoucherRedeemer) {
    return createMessageGuard({
      pipeline: trust.createPipeline(),
      topics: topics as Record<string, object>,
      maxDeliveries: 3,
      retryAfterMs: 10,
      onSettled: (report) => void reports.push(report),
      ...(vouchers && { vouchers }),
    });
  }

  test('a copy takes no token to a queue that is not listed, however it is asked for', async () => {
    for (const queue of ['listed', 'listed-too', 'strange']) await channel.assertQueue(queue);
    const { identity } = await callerOf(trust, 'user-1');
    const sender = propagate(channel, createMessagePropagator({ topics: ['listed', 'listed-too'] }));
    const publish = (queue: string, options: Options.Publish): Promise<boolean> =>
      runWithIdentity(identity, () => sender.sendToQueue(queue, Buffer.from('x'), options));
    for (const copies of [['strange'], ['listed-too', 'strange'], 'strange']) {
      for (const options of [{ CC: copies }, { BCC: copies }, { headers: { CC: copies } }, { headers: { BCC: copies } }]) {
        await expect(publish('listed', options)).rejects.toMatchObject({ code: 'config_invalid' });
      }
    }
    await publish('listed', { CC: ['listed-too'] });
    // Without a token it may go anywhere.
    await publish('strange', { CC: ['listed'] });
    await channel.waitForConfirms();
    const tokens = async (queue: string): Promise<boolean[]> => {
      const found: boolean[] = [];
      for (let message = await channel.get(queue); message !== false; message = await channel.get(queue)) {
        found.push('txn-token' in (message.properties.headers ?? {}));
        channel.ack(message);
      }
      return found;
    };
    expect([await tokens('listed'), await tokens('listed-too'), await tokens('strange')]).toEqual([
      [true, false],
      [true],
      [false],
    ]);
  });

  test('the exchange is what may be sent to, and what a voucher is bound to', async () => {
    const vouchers = trust.createVouchers();
    await channel.assertExchange('events', 'topic');
    await channel.assertQueue('billing');
    await channel.bindQueue('billing', 'events', 'order.*');
    const reports: MessageReport[] = [];
    const seen: string[] = [];
    const guard = guardOf(reports, { billing: {} }, vouchers);
    await consume(channel, 'billing', guard, { deadLetter: 'reject' }, () => void seen.push(currentIdentity().subject));
    const { identity, token } = await callerOf(trust, 'user-1');
    const byToken = propagate(channel, createMessagePropagator({ topics: ['events'] }));
    const byVoucher = propagate(channel, createMessagePropagator({ vouchers: { topics: ['events'], issuer: vouchers } }));
    for (const sender of [byToken, byVoucher]) {
      await runWithIdentity(identity, () => sender.publish('events', 'order.placed', Buffer.from('x')));
    }
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(['user-1', 'user-1']);
    // Past the exchange, to the queue itself: the voucher is for another place; and the queue is not listed.
    const voucher = await vouchers.issue({ txnToken: token, topic: 'events' });
    channel.sendToQueue('billing', Buffer.from('x'), { headers: { 'txn-voucher': voucher } });
    await expect.poll(() => reports.at(-1)?.reason, { timeout: 5000 }).toBe('audience_mismatch');
    await runWithIdentity(identity, () => byToken.sendToQueue('billing', Buffer.from('x')));
    await expect.poll(() => reports.at(-1)?.reason, { timeout: 5000 }).toBe('txn_missing');
  });

  test('reject: the message goes where the queue says', async () => {
    await channel.assertQueue('graveyard');
    await channel.assertQueue('jobs', { arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'graveyard' } });
    await consume(channel, 'jobs', guardOf([], { jobs: {} }), { deadLetter: 'reject' }, () => undefined);
    channel.sendToQueue('jobs', Buffer.from('nobody'));
    await expect
      .poll(async () => (await channel.get('graveyard', { noAck: true })) || undefined, { timeout: 5000 })
      .toBeDefined();
  });

  test('a sender that writes the count of deliveries itself makes nothing come for ever', async () => {
    await channel.assertQueue('classic');
    const reports: MessageReport[] = [];
    const fail = (): never => {
      throw new Error('poison');
    };
    await consume(channel, 'classic', guardOf(reports, { classic: {} }), { deadLetter: 'reject' }, fail);
    const { token } = await callerOf(trust, 'user-1');
    for (const count of [0, -1000, 1]) {
      channel.sendToQueue('classic', Buffer.from('x'), { headers: { 'txn-token': token, 'x-delivery-count': count } });
    }
    await expect.poll(() => reports.filter(({ action }) => action === 'dead-letter').length, { timeout: 5000 }).toBe(3);
    expect(reports).toHaveLength(6);
  });

  test('a queue that is deleted ends the consumer, and says so', async () => {
    await channel.assertQueue('short');
    const { promise, resolve } = Promise.withResolvers<void>();
    await consume(channel, 'short', guardOf([], { short: {} }), { deadLetter: 'reject', onCancelled: resolve }, () => undefined);
    await channel.deleteQueue('short');
    await promise;
  });

  test('a place for dead letters that is not there is an error at the start', async () => {
    const other = await connection.createConfirmChannel();
    other.on('error', () => undefined);
    await other.assertQueue('careful');
    const deadLetter = { exchange: '', routingKey: 'no-such-queue' };
    const started = consume(other, 'careful', guardOf([], { careful: {} }), { deadLetter }, () => undefined);
    await expect(started).rejects.toThrow(/NOT_FOUND|404/);
  });

  test('a dead letter that the server does not take: the message comes again', async () => {
    await channel.assertQueue('kept');
    const calls: string[] = [];
    const delays: number[] = [];
    // The server as it is when it is out of disk: it says no to what is published.
    const refusing = Object.assign(new EventEmitter(), {
      checkQueue: async () => ({}),
      publish: () => true,
      waitForConfirms: async () => Promise.reject(new Error('message nacked')),
      ack: () => calls.push('ack'),
      nack: (_message: object, _all: boolean, requeue: boolean) => calls.push(`nack ${requeue}`),
      consume: async (_queue: string, receive: (message: object) => void) => {
        receive({ content: Buffer.from('x'), fields: { exchange: '', routingKey: 'kept' }, properties: { headers: {} } });
        return { consumerTag: 'c' };
      },
    });
    const schedule = (work: () => void, delayMs: number): (() => void) => {
      delays.push(delayMs);
      work();
      return () => undefined;
    };
    const deadLetter = { exchange: '', routingKey: 'kept' };
    await consume(refusing as never, 'kept', guardOf([], { kept: {} }), { deadLetter, schedule }, () => undefined);
    await expect.poll(() => calls).toEqual(['nack true']);
    expect(delays).toEqual([5000]);
  });

  test('a dead letter for which the exchange has no queue: the message comes again, and is not lost', async () => {
    await channel.assertQueue('unrouted');
    await channel.assertExchange('graveyards', 'direct');
    const delays: number[] = [];
    const schedule = (_work: () => void, delayMs: number): (() => void) => {
      delays.push(delayMs);
      return () => undefined;
    };
    const deadLetter = { exchange: 'graveyards', routingKey: 'nobody' };
    const guard = guardOf([], { unrouted: {} });
    const { consumerTag } = await consume(channel, 'unrouted', guard, { deadLetter, schedule }, () => undefined);
    channel.sendToQueue('unrouted', Buffer.from('x'));
    // It is held back, and not acknowledged.
    await expect.poll(() => delays, { timeout: 5000 }).toEqual([5000]);
    await channel.cancel(consumerTag);
    expect(channel.listenerCount('return')).toBe(1);
  });

  test('options: nothing is acknowledged before it is verified', async () => {
    const guard = guardOf([], { jobs: {} });
    const start = (options: object) => consume(channel, 'jobs', guard, options as never, () => undefined);
    await expect(start({ deadLetter: 'reject', noAck: true })).rejects.toThrow(/noAck/);
    await expect(start({})).rejects.toThrow(/deadLetter/);
    await expect(start({ deadLetter: 'reject', queueType: 'stream' })).rejects.toThrow(/queueType/);
  });
});
