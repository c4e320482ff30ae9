/** The suite's consumer and producer on Kafka. */
import type { MessagingSetup, RawHeader, RunningMessaging, SuiteDeadLetter } from '@watchword/conformance';
import { REASON_HEADER } from '@watchword/core';
import { type IHeaders, Kafka, logLevel } from 'kafkajs';
import { guardMessages, propagate } from '../../src/index.ts';

const DEAD = 'suite-dead';

export async function startHost(
  broker: string,
  { guard, propagator, topics, handler }: MessagingSetup,
): Promise<RunningMessaging> {
  const kafka = new Kafka({ brokers: [broker], clientId: 'suite', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  await producer.connect();
  // The mock cluster makes a topic when it is asked for.
  for (const topic of [...topics, DEAD]) await producer.send({ topic, messages: [] }).catch(() => undefined);
  const sender = propagate(producer, propagator);
  const settings = {
    heartbeatInterval: 500,
    maxWaitTimeInMs: 20,
    retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 5 },
  };
  const consumer = kafka.consumer({ groupId: 'workers', ...settings });
  const reader = kafka.consumer({ groupId: 'readers', ...settings });
  await Promise.all([consumer.connect(), reader.connect()]);
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await reader.subscribe({ topics: [DEAD], fromBeginning: true });
  const letters: SuiteDeadLetter[] = [];
  await reader.run({
    eachMessage: async ({ message }) => {
      const headers = message.headers ?? {};
      const kept = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
      letters.push({ body: String(message.value), reason: String(headers[REASON_HEADER]), kept: kept.join('\n') });
    },
  });
  const eachMessage = guardMessages(guard, { deadLetter: { producer, topic: DEAD } }, ({ topic, message }) =>
    handler({ topic, body: String(message.value), headers: Object.keys(message.headers ?? {}) }),
  );
  await consumer.run({ eachMessage, partitionsConsumedConcurrently: 20 });
  return {
    async send(topic, body, headers = {}) {
      await sender.send({ topic, messages: [{ value: body, headers }] });
    },
    async sendRaw(topic, body, headers) {
      await producer.send({ topic, messages: [{ value: body, headers: toHeaders(headers) }] });
    },
    async deadLetters(count) {
      for (const end = Date.now() + 10_000; letters.length < count && Date.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return letters.splice(0);
    },
    async close() {
      await Promise.all([consumer.disconnect(), reader.disconnect(), producer.disconnect()]);
    },
  };
}

// kafkajs writes a list as one record header for each of its values.
function toHeaders(raw: readonly RawHeader[]): IHeaders {
  const headers: Record<string, (Buffer | string)[]> = {};
  for (const [name, value] of raw) (headers[name] ??= []).push(typeof value === 'string' ? value : Buffer.from(value));
  return headers;
}
