/** Makes a server listen where the configuration says, or says why not. */
import type { AddressInfo, Server } from 'node:net';
import type { ConfigError } from './config/config-error.ts';
import type { GatewayConfig, ListenConfig } from './config/config.ts';
import { configErrorAt } from './config/locate.ts';

/** The section that says where to listen. */
export type Listener = 'listen' | 'control' | 'tokenService';

/** Resolves when the server accepts connections. @throws ConfigError (as a rejection) naming the setting */
export function listenAt(server: Server, config: GatewayConfig, section: Listener): Promise<void> {
  const { host, port } = addressOf(config, section);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(config, section, error.code, error)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** The error for an address that cannot be listened on. */
export function listenError(config: GatewayConfig, section: Listener, code: string | undefined, cause?: unknown): ConfigError {
  const { host, port } = addressOf(config, section);
  const reason = code === 'EADDRINUSE' ? 'is already in use' : `cannot be listened on (${code})`;
  return configErrorAt(
    config,
    [...(section === 'tokenService' ? [section, 'listen'] : [section]), 'port'],
    `${host}:${port} ${reason}`,
    cause,
  );
}

/** The port of a server that listens. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function addressOf(config: GatewayConfig, section: Listener): ListenConfig {
  return section === 'tokenService' ? config.tokenService!.listen : config[section];
}
