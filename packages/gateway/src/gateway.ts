/** Starts a gateway: configuration in, two listeners out. What one is made of: `compose.ts`. */
import type { TrustDependencies } from './assemble/trust.ts';
import { composeGateway } from './compose.ts';
import type { GatewayConfig } from './config/config.ts';
import { configErrorAt, fileNameOf } from './config/locate.ts';
import { createControlServer } from './control/control-server.ts';
import { createOperators } from './control/operator.ts';
import { createReloadEndpoint } from './control/reload-endpoint.ts';
import { listenAt, portOf } from './listen.ts';
import { type Logger, createLogger } from './logger.ts';
import { ReloadStats } from './reload/reload-stats.ts';
import { Reloader } from './reload/reloader.ts';
import { watchConfigFile } from './reload/watch-file.ts';
import type { DecisionPorts } from './services/decision-service.ts';
import { type TokenListener, createTokenListener } from './token-service/token-listener.ts';
import { startThreads } from './threads/start-threads.ts';

/** What a program or a test may put in the place of the machine. */
export interface GatewayDependencies extends Pick<TrustDependencies, 'clock' | 'fetch'> {
  readonly logger?: Logger;
  /** Puts changes of the configuration's file in force by itself, whatever its setting `watch` says. */
  readonly watch?: boolean;
}

/** A running gateway. */
export interface Gateway {
  /** Port of the edge; 0: there is none. */
  readonly port: number;
  /** Port of the control listener. */
  readonly controlPort: number;
  /**
   * Puts another configuration in force, or what the file of this one says now. Requests under way finish under the old one; no
   * request sees a mixture. Resolves when all threads have it.
   * @throws ConfigError (as a rejection) with every reason: then the old one stays in force, in all threads
   */
  reload(config?: GatewayConfig): Promise<void>;
  /** Ports of the decision services, of those that there are. */
  readonly servicePorts: DecisionPorts;
  /** Port of the token service; undefined: there is none. */
  readonly tokenServicePort: number | undefined;
  /**
   * Says `draining` for `limits.drainDelayMs`, stops accepting, lets running requests finish up to `limits.shutdownTimeoutMs`, then
   * closes everything. Idempotent.
   */
  close(): Promise<void>;
}

/**
 * Starts a gateway; resolves when both listeners accept connections. With `threads` above 1 all of them do.
 * @throws ConfigError for what only shows now: unreadable key files, a port that is taken
 */
export async function startGateway(config: GatewayConfig, dependencies: GatewayDependencies = {}): Promise<Gateway> {
  const complete = { ...dependencies, logger: dependencies.logger ?? createLogger(config.log.level) };
  // Without routes there is nothing that several threads could do.
  const hasRoutes = config.routes.length > 0;
  const gateway = await (hasRoutes && config.threads > 1
    ? startThreads(config, complete)
    : startOne(config, complete, hasRoutes));
  return watched(gateway, config, dependencies);
}

/**
 * Starts the token service alone: its listener and the control listener, and no edge, whatever routes there are.
 * @throws ConfigError
 */
export async function startTokenService(config: GatewayConfig, dependencies: GatewayDependencies = {}): Promise<Gateway> {
  if (config.tokenService === undefined) throw configErrorAt(config, ['tokenService'], 'is required');
  const complete = { ...dependencies, logger: dependencies.logger ?? createLogger(config.log.level) };
  return watched(await startOne(config, complete, false), config, dependencies);
}

function watched(gateway: Gateway, config: GatewayConfig, { watch }: GatewayDependencies): Gateway {
  const stopWatching = config.watch || watch ? watchFile(config, gateway) : () => {};
  return {
    ...gateway,
    close() {
      stopWatching();
      return gateway.close();
    },
  };
}

function watchFile(config: GatewayConfig, gateway: Gateway): () => void {
  const fileName = fileNameOf(config);
  if (fileName === undefined) return () => {};
  // The reloader has logged and counted what went wrong.
  return watchConfigFile(fileName, () => void gateway.reload().catch(() => {}));
}

async function startOne(
  config: GatewayConfig,
  dependencies: GatewayDependencies & { logger: Logger },
  hasEdge: boolean,
): Promise<Gateway> {
  const { logger, clock } = dependencies;
  const stats = new ReloadStats(config, clock);
  const operators = createOperators(config);
  const gateway = composeGateway(config, { ...dependencies, reloads: stats, hostsTokenService: true });
  const reloader = new Reloader({
    config,
    stats,
    logger,
    apply: (next) =>
      operators.applyWith(next, async () => {
        const candidate = await gateway.prepare(next);
        void candidate.commit();
      }),
  });
  const { server } = gateway.edge;
  const reload = createReloadEndpoint(() => reloader.reload(), stats);
  const control = createControlServer({ ...gateway.control, reload, isOperator: operators.isOperator });
  let servicePorts: DecisionPorts;
  let tokens: TokenListener | undefined;
  try {
    tokens = createTokenListener(config, gateway);
    // A log at hand is read before the first request comes. One that is not there does not hold up those routes that do without.
    await gateway.settled();
    await listenAt(control, config, 'control');
    await tokens.listen();
    if (hasEdge) await listenAt(server, config, 'listen');
    servicePorts = hasEdge ? await gateway.services.listen() : {};
  } catch (error) {
    control.close();
    await tokens?.close();
    await gateway.drain();
    await gateway.close();
    throw error;
  }
  gateway.start();
  const shutDown = async (): Promise<void> => {
    await Promise.all([reloader.close(), gateway.announceDrain()]);
    await Promise.all([gateway.drain(), tokens.close()]);
    control.close();
    control.closeAllConnections();
    await gateway.close();
  };
  let closing: Promise<void> | undefined;
  return {
    port: hasEdge ? portOf(server) : 0,
    controlPort: portOf(control),
    tokenServicePort: tokens.port,
    servicePorts,
    reload: (next) => reloader.reload(next),
    close: () => (closing ??= shutDown()),
  };
}
