/** The suite's consumers and publishers on RabbitMQ. */
import type { MessagingSetup, RunningMessaging, SuiteDeadLetter } from '@watchword/conformance';
import { REASON_HEADER } from '@watchword/core';
import { connect } from 'amqplib';
import { consume, propagate } from '../../src/index.ts';

const DEAD = 'suite-dead';

/** @param queueType what the queues are */
export async function startHost(
  url: string,
  queueType: 'classic' | 'quorum',
  { guard, propagator, topics, handler }: MessagingSetup,
): Promise<RunningMessaging> {
  const connection = await connect(url);
  const [receiving, sending] = await Promise.all([connection.createConfirmChannel(), connection.createConfirmChannel()]);
  await receiving.prefetch(20);
  for (const queue of [...topics, DEAD]) {
    await sending.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': queueType } });
  }
  const deadLetter = { exchange: '', routingKey: DEAD };
  for (const queue of topics) {
    await consume(receiving, queue, guard, { deadLetter, queueType }, ({ content, properties }) =>
      handler({ topic: queue, body: content.toString(), headers: Object.keys(properties.headers ?? {}) }),
    );
  }
  const letters: SuiteDeadLetter[] = [];
  await sending.consume(DEAD, (message) => {
    if (message === null) return;
    const headers = message.properties.headers as Record<string, unknown>;
    letters.push({ body: message.content.toString(), reason: String(headers[REASON_HEADER]), kept: JSON.stringify(headers) });
    sending.ack(message);
  });
  const sender = propagate(sending, propagator);
  return {
    async send(topic, body, headers = {}) {
      await sender.sendToQueue(topic, Buffer.from(body), { headers });
      await sending.waitForConfirms();
    },
    async sendRaw(topic, body, headers) {
      const table: Record<string, unknown> = {};
      for (const [name, value] of headers) {
        const raw = typeof value === 'string' ? value : Buffer.from(value);
        table[name] = table[name] === undefined ? raw : [table[name], raw].flat();
      }
      sending.sendToQueue(topic, Buffer.from(body), { headers: table });
      await sending.waitForConfirms();
    },
    async deadLetters(count) {
      for (const end = Date.now() + 10_000; letters.length < count && Date.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return letters.splice(0);
    },
    async close() {
      await receiving.close();
      for (const queue of [...topics, DEAD]) await sending.deleteQueue(queue);
      await connection.close();
    },
  };
}
