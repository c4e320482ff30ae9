import { messagingConformance } from '@watchword/conformance';
import { startHost } from './support/host.ts';
import { missing, startNatsServer } from './support/nats-server.ts';

messagingConformance(
  '@watchword/nats',
  async (setup) => {
    const server = await startNatsServer();
    const host = await startHost(server.url, setup);
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
