import { messagingConformance } from '@watchword/conformance';
import { startHost } from './support/host.ts';
import { missing, startRedisServer } from './support/redis-server.ts';

messagingConformance(
  '@watchword/bullmq',
  async (setup) => {
    const server = await startRedisServer();
    const host = await startHost(server.port, setup);
    return {
      ...host,
      async close() {
        await host.close();
        await server.stop();
      },
    };
  },
  missing,
);
