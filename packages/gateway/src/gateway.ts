/** Starts a gateway: configuration in, two listeners out. What one is made of: `compose.ts`. */
import type { TrustDependencies } from './assemble.ts';
import { composeGateway } from './compose.ts';
import type { GatewayConfig } from './config/config.ts';
import { createControlServer } from './control/control-server.ts';
import { listenAt, portOf } from './listen.ts';
import { type Logger, createLogger } from './logger.ts';
import type { DecisionPorts } from './services/decision-service.ts';
import { startThreads } from './threads/start-threads.ts';

/** What a program or a test may put in the place of the machine. */
export interface GatewayDependencies extends Pick<TrustDependencies, 'clock' | 'fetch'> {
  readonly logger?: Logger;
}

/** A running gateway. */
export interface Gateway {
  /** Port of the edge. */
  readonly port: number;
  /** Port of the control listener. */
  readonly controlPort: number;
  /** Ports of the decision services, of those that there are. */
  readonly servicePorts: DecisionPorts;
  /** Stops accepting, lets running requests finish up to `limits.shutdownTimeoutMs`, then closes everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a gateway; resolves when both listeners accept connections. With `threads` above 1 all of them do.
 * @throws ConfigError for what only shows now: unreadable key files, a port that is taken
 */
export async function startGateway(config: GatewayConfig, dependencies: GatewayDependencies = {}): Promise<Gateway> {
  const complete = { ...dependencies, logger: dependencies.logger ?? createLogger(config.log.level) };
  return config.threads > 1 ? startThreads(config, complete) : startOne(config, complete);
}

async function startOne(config: GatewayConfig, dependencies: GatewayDependencies & { logger: Logger }): Promise<Gateway> {
  const gateway = composeGateway(config, dependencies);
  const { server } = gateway.edge;
  const control = createControlServer(gateway.control);
  let servicePorts: DecisionPorts;
  try {
    // A log at hand is read before the first request comes. One that is not there does not hold up those routes that do without.
    await gateway.settled();
    await listenAt(control, config, 'control');
    await listenAt(server, config, 'listen');
    servicePorts = await gateway.services.listen();
  } catch (error) {
    control.close();
    await gateway.drain();
    await gateway.close();
    throw error;
  }
  gateway.start();
  const shutDown = async (): Promise<void> => {
    await gateway.drain();
    control.close();
    control.closeAllConnections();
    await gateway.close();
  };
  let closing: Promise<void> | undefined;
  return { port: portOf(server), controlPort: portOf(control), servicePorts, close: () => (closing ??= shutDown()) };
}
