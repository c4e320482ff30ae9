/** The token service of a running gateway: one listener, whatever configuration is in force. */
import type { RequestListener, Server } from 'node:http';
import type { GatewayConfig } from '../config/config.ts';
import { listenAt, portOf } from '../listen.ts';
import { createTokenServer } from './token-server.ts';

/** A listener that can be opened. */
export interface TokenListener {
  /** undefined: there is none. */
  readonly port: number | undefined;
  /** Resolves when it accepts connections. @throws ConfigError (as a rejection) */
  listen(): Promise<void>;
  /** Stops accepting, lets running requests finish up to `limits.shutdownTimeoutMs`. */
  close(): Promise<void>;
}

/** What is in force now. */
export interface TokenServiceHost {
  readonly current: { readonly tokenService: RequestListener | undefined };
}

/** Creates it; without a section `tokenService` it does nothing. @throws ConfigError */
export function createTokenListener(config: GatewayConfig, host: TokenServiceHost): TokenListener {
  if (config.tokenService === undefined) return { port: undefined, listen: async () => {}, close: async () => {} };
  const server = createTokenServer(config, (request, response) => {
    const listener = host.current.tokenService;
    if (listener !== undefined) return listener(request, response);
    // A reload took the section away; the port goes with the next start.
    request.resume();
    response.writeHead(404, { 'content-length': 0, 'cache-control': 'no-store' }).end();
  });
  return {
    get port() {
      return server.listening ? portOf(server) : undefined;
    },
    listen: () => listenAt(server, config, 'tokenService'),
    close: () => closeServer(server, config.limits.shutdownTimeoutMs),
  };
}

async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
}
