/** A RabbitMQ server of one test file: own node, own port mapper, own folders; nothing of an installed one is touched. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, canRun, freePort, startServerProcess } from '@watchword/conformance';

/** The script itself: what is on the path changes the user and the folders. */
const SCRIPT = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/usr/local/sbin/rabbitmq-server',
  '/opt/homebrew/sbin/rabbitmq-server',
].find((file) => existsSync(file));

/** Why there is none. */
export const missing: string | undefined =
  SCRIPT !== undefined && canRun('epmd', '-names') ? undefined : 'rabbitmq-server is missing: apt-get install rabbitmq-server';

export interface RabbitServer extends ServerProcess {
  readonly url: string;
}

export async function startRabbitServer(): Promise<RabbitServer> {
  const [port, distribution, mapperPort] = [await freePort(), await freePort(), await freePort()];
  // Started by us, so that it ends with us: Erlang would leave one behind.
  const mapper = await startServerProcess({
    command: 'epmd',
    args: () => ['-d', '-address', '127.0.0.1', '-port', `${mapperPort}`],
    ready: /epmd running/,
  });
  const environment = (folder: string): Record<string, string> => {
    writeFileSync(join(folder, 'plugins'), '[].');
    writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\n`);
    return {
      HOME: folder,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: `${mapperPort}`,
      RABBITMQ_NODENAME: `watchword-${port}@localhost`,
      RABBITMQ_DIST_PORT: `${distribution}`,
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    };
  };
  try {
    const server = await startServerProcess({
      command: SCRIPT!,
      args: () => [],
      env: environment,
      ready: /Server startup complete/,
    });
    const stop = async (): Promise<void> => {
      await server.stop();
      await mapper.stop();
    };
    return { ...server, stop, url: `amqp://guest:guest@127.0.0.1:${port}` };
  } catch (error) {
    await mapper.stop();
    throw error;
  }
}
