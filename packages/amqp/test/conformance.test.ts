import { messagingConformance } from '@watchword/conformance';
import { afterAll } from 'vitest';
import { startHost } from './support/host.ts';
import { type RabbitServer, missing, startRabbitServer } from './support/rabbitmq-server.ts';

// One server for both: it takes seconds to start.
let server: Promise<RabbitServer> | undefined;
afterAll(async () => (await server)?.stop(), 30_000);

for (const queueType of ['classic', 'quorum'] as const) {
  messagingConformance(
    `@watchword/amqp with ${queueType} queues`,
    async (setup) => startHost((await (server ??= startRabbitServer())).url, queueType, setup),
    missing,
  );
}
