/** The suite's consumer and producer on JetStream. */
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as createHeaders } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { MessagingSetup, RunningMessaging, SuiteDeadLetter } from '@watchword/conformance';
import { REASON_HEADER } from '@watchword/core';
import { guardMessages, propagate } from '../../src/index.ts';

const DEAD = 'suite-dead';

export async function startHost(url: string, { guard, propagator, topics, handler }: MessagingSetup): Promise<RunningMessaging> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'WORK', subjects: [...topics] });
  await manager.streams.add({ name: 'DEAD', subjects: [DEAD] });
  const policy = { ack_policy: 'explicit', ack_wait: 30_000_000_000 } as const;
  await manager.consumers.add('WORK', { durable_name: 'worker', max_ack_pending: 20, ...policy });
  await manager.consumers.add('DEAD', { durable_name: 'reader', ...policy });
  const stream = jetstream(connection);
  const consumer = await stream.consumers.get('WORK', 'worker');
  const receive = guardMessages<JsMsg>(guard, { deadLetter: { jetstream: stream, subject: DEAD } }, (message) =>
    handler({ topic: message.subject, body: message.string(), headers: message.headers?.keys() ?? [] }),
  );
  const messages = await consumer.consume({ callback: (message) => void receive(message) });
  const reader = await stream.consumers.get('DEAD', 'reader');
  const publisher = propagate(stream, propagator);
  return {
    async send(topic, body, headers = {}) {
      const given = createHeaders();
      for (const [name, value] of Object.entries(headers)) given.append(name, value);
      await publisher.publish(topic, body, { headers: given });
    },
    async sendRaw(topic, body, headers) {
      const given = createHeaders();
      for (const [name, value] of headers)
        given.append(name, typeof value === 'string' ? value : Buffer.from(value).toString('latin1'));
      await stream.publish(topic, body, { headers: given });
    },
    async deadLetters(count) {
      const letters: SuiteDeadLetter[] = [];
      for (const end = Date.now() + 10_000; letters.length < count && Date.now() < end;) {
        const message = await reader.next({ expires: 1000 });
        if (message === null) continue;
        message.ack();
        const kept = [...message.headers!].map(([name, values]) => `${name}: ${values.join()}`).join('\n');
        letters.push({ body: message.string(), reason: message.headers!.get(REASON_HEADER), kept });
      }
      return letters;
    },
    async close() {
      await messages.close();
      await connection.close();
    },
  };
}
