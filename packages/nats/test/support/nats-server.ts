/** A NATS server with JetStream of one test file. */
import { type ServerProcess, canRun, freePort, startServerProcess } from '@watchword/conformance';

/** Why there is none. */
export const missing: string | undefined = canRun('nats-server', '--version')
  ? undefined
  : 'nats-server is missing: apt-get install nats-server';

export interface NatsServer extends ServerProcess {
  readonly url: string;
}

export async function startNatsServer(): Promise<NatsServer> {
  const port = await freePort();
  const server = await startServerProcess({
    command: 'nats-server',
    args: (folder) => ['-js', '-a', '127.0.0.1', '-p', `${port}`, '-sd', folder],
    ready: /Server is ready/,
  });
  return { ...server, url: `nats://127.0.0.1:${port}` };
}
