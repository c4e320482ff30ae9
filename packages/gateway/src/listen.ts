/** Makes a server listen where the configuration says, or says why not. */
import type { AddressInfo, Server } from 'node:net';
import type { ConfigError } from './config/config-error.ts';
import type { GatewayConfig } from './config/config.ts';
import { configErrorAt } from './config/locate.ts';

/** Resolves when the server accepts connections. @throws ConfigError (as a rejection) naming the setting */
export function listenAt(server: Server, config: GatewayConfig, section: 'listen' | 'control'): Promise<void> {
  const { host, port } = config[section];
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(config, section, error.code, error)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** The error for an address that cannot be listened on. */
export function listenError(
  config: GatewayConfig,
  section: 'listen' | 'control',
  code: string | undefined,
  cause?: unknown,
): ConfigError {
  const { host, port } = config[section];
  const reason = code === 'EADDRINUSE' ? 'is already in use' : `cannot be listened on (${code})`;
  return configErrorAt(config, [section, 'port'], `${host}:${port} ${reason}`, cause);
}

/** The port of a server that listens. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
