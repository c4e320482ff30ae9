import { runReadmeExample } from '@watchword/conformance';
import { describe, expect, it } from 'vitest';
import { missing, startMockCluster } from './support/mock-cluster.ts';

describe.skipIf(missing !== undefined)(`the example${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('runs, and prints what its comments say', async () => {
    const server = await startMockCluster();
    process.env.KAFKA_BROKER = server.broker;
    try {
      const { printed, promised } = await runReadmeExample(new URL('..', import.meta.url));
      expect(promised.length).toBeGreaterThan(1);
      expect(printed.toSorted()).toEqual(promised.toSorted());
      // The example closes its connections a moment later.
      await new Promise((resolve) => setTimeout(resolve, 1500));
    } finally {
      await server.stop();
    }
  }, 60_000);
});
