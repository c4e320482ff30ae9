/** A broker that speaks the wire protocol of Kafka, for one test file: the mock cluster of librdkafka. */
import { type ServerProcess, canRun, startServerProcess } from '@watchword/conformance';

/** Why there is none. */
export const missing: string | undefined = canRun('kcat', '-V') ? undefined : 'kcat is missing: apt-get install kcat';

export interface MockCluster extends ServerProcess {
  readonly broker: string;
}

export async function startMockCluster(): Promise<MockCluster> {
  const server = await startServerProcess({
    command: 'kcat',
    args: () => ['-C', '-X', 'test.mock.num.brokers=1', '-b', 'unused', '-t', 'keepalive', '-d', 'mock'],
    ready: /bootstrap\.servers/,
  });
  const broker = /127\.0\.0\.1:\d+/.exec(server.ready)?.[0];
  if (broker !== undefined) return { ...server, broker };
  await server.stop();
  throw new Error(`no address in: ${server.ready}`);
}
