/** What is particular to NATS: plain subscriptions and requests, messages that are terminated. */
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/nats-core';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import {
  type MessageReport,
  createMessageGuard,
  createMessagePropagator,
  currentIdentity,
  runAnonymous,
  runWithIdentity,
} from '@watchword/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardMessages, guardSubscription, identityHeaders, propagate } from '../src/index.ts';
import { type NatsServer, missing, startNatsServer } from './support/nats-server.ts';

const trust = createTrustDomain();
const propagator = createMessagePropagator({ topics: ['orders.>'] });
const reports: MessageReport[] = [];
const guard = createMessageGuard({
  pipeline: trust.createPipeline(),
  topics: { 'orders.*': { scopes: ['orders:read'] } },
  retryAfterMs: 10,
  onSettled: (report) => void reports.push(report),
});

describe.skipIf(missing !== undefined)(`with a server${missing === undefined ? '' : ` (${missing})`}`, () => {
  let server: NatsServer;
  let connection: NatsConnection;
  beforeAll(async () => {
    server = await startNatsServer();
    connection = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await connection?.close();
    await server?.stop();
  });

  test('requests: the service answers its caller, and refuses others as NATS services do', async () => {
    const serve = guardSubscription(guard, (message: Msg) => {
      if (message.subject === 'orders.broken') throw new Error('a detail');
      message.respond(currentIdentity().subject);
    });
    const subscription = connection.subscribe('orders.*', { callback: (_error, message) => void serve(message) });
    const { identity } = await callerOf(trust, 'user-1', 'orders:read');
    const { identity: narrow } = await callerOf(trust, 'user-2', 'none');
    const ask = async (subject: string): Promise<unknown[]> => {
      const headers = await identityHeaders(propagator, subject);
      const reply = await connection.request(subject, 'x', { timeout: 2000, headers });
      return [reply.string(), reply.headers?.get('Nats-Service-Error-Code'), reply.headers?.get('Nats-Service-Error')];
    };
    expect(await runWithIdentity(identity, () => ask('orders.get'))).toEqual(['user-1', undefined, undefined]);
    expect(await runAnonymous(() => ask('orders.get'))).toEqual(['', '401', 'A token is required']);
    expect(await runWithIdentity(narrow, () => ask('orders.get'))).toEqual([
      '',
      '403',
      'The token does not grant the required scope',
    ]);
    expect(await runWithIdentity(identity, () => ask('orders.broken'))).toEqual(['', '500', 'Internal error']);
    subscription.unsubscribe();
  });

  test('publishing on a plain connection', async () => {
    const { identity } = await callerOf(trust, 'user-1', 'orders:read');
    const { promise, resolve } = Promise.withResolvers<string>();
    const take = guardSubscription(guard, () => resolve(currentIdentity().subject));
    const subscription = connection.subscribe('orders.placed', { callback: (_error, message) => void take(message) });
    await runWithIdentity(identity, () => propagate(connection, propagator).publish('orders.placed', 'x'));
    expect(await promise).toBe('user-1');
    subscription.unsubscribe();
  });

  test('terminate: the server never delivers it again, and the consumer is not held up', async () => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'JOBS', subjects: ['orders.job'] });
    const wait = { ack_policy: 'explicit', ack_wait: 200_000_000 } as const;
    await manager.consumers.add('JOBS', { durable_name: 'worker', max_ack_pending: 2, ...wait });
    const stream = jetstream(connection);
    reports.length = 0;
    const done: string[] = [];
    const receive = guardMessages<JsMsg>(guard, { deadLetter: 'terminate' }, (message) => done.push(message.string()));
    const messages = await (await stream.consumers.get('JOBS', 'worker')).consume({ callback: (one) => void receive(one) });
    for (let index = 0; index < 10; index += 1) await stream.publish('orders.job', `${index}`);
    const { identity } = await callerOf(trust, 'user-1', 'orders:read');
    await runWithIdentity(identity, () => propagate(stream, propagator).publish('orders.job', 'good'));
    await expect.poll(() => done, { timeout: 5000 }).toEqual(['good']);
    // Longer than the server waits for an acknowledgement.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(reports.map(({ reason }) => reason)).toEqual([...Array.from({ length: 10 }, () => 'txn_missing'), undefined]);
    const { num_ack_pending: pending } = await manager.consumers.info('JOBS', 'worker');
    expect(pending).toBe(0);
    await messages.close();
  });

  test('a dead letter that cannot be stored: the message is kept', async () => {
    const refused: (number | undefined)[] = [];
    const message = {
      subject: 'orders.new',
      headers: undefined,
      data: new Uint8Array(),
      info: { deliveryCount: 1 },
      ack: () => expect.unreachable(),
      nak: (delay?: number) => void refused.push(delay),
      term: () => expect.unreachable(),
    };
    const failing = { publish: async () => Promise.reject(new Error('no stream')) };
    await guardMessages(guard, { deadLetter: { jetstream: failing, subject: 'dead' } }, () => undefined)(message);
    expect(refused).toEqual([5000]);
  });
});

test('a connection that was closed while the handler ran: nothing is thrown at whoever does not wait', async () => {
  const closed = (): never => {
    throw new Error('closed connection');
  };
  const message = { subject: 'orders.new', headers: undefined, data: new Uint8Array(), ack: closed, nak: closed, term: closed };
  const open = createMessageGuard({ pipeline: trust.createPipeline(), topics: { 'orders.new': 'public' } });
  for (const [deliveryCount, fails] of [
    [1, false],
    [1, true],
    [9, true],
  ] as const) {
    const receive = guardMessages(open, { deadLetter: 'terminate' }, () => {
      if (fails) throw new Error('failed');
    });
    await expect(receive({ ...message, info: { deliveryCount } })).resolves.toBeUndefined();
  }
  const serve = guardSubscription(guard, () => undefined);
  await expect(serve({ ...message, reply: 'r', respond: closed } as unknown as Msg)).resolves.toBeUndefined();
});

test('what becomes of dead letters must be said', () => {
  expect(() => guardMessages(guard, {} as never, () => undefined)).toThrow(/deadLetter/);
});
