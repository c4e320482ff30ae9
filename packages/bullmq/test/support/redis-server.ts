/** A Redis server of one test file. */
import { type ServerProcess, canRun, freePort, startServerProcess } from '@watchword/conformance';

/** Why there is none. */
export const missing: string | undefined = canRun('redis-server', '--version')
  ? undefined
  : 'redis-server is missing: apt-get install redis-server';

export interface RedisServer extends ServerProcess {
  readonly port: number;
}

export async function startRedisServer(): Promise<RedisServer> {
  const port = await freePort();
  const server = await startServerProcess({
    command: 'redis-server',
    args: (folder) => ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    ready: /Ready to accept connections/,
  });
  return { ...server, port };
}
