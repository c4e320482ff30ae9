import { messagingConformance } from '@watchword/conformance';
import { startHost } from './support/host.ts';
import { missing, startMockCluster } from './support/mock-cluster.ts';

messagingConformance(
  '@watchword/kafka',
  async (setup) => {
    const server = await startMockCluster();
    const host = await startHost(server.broker, setup);
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
