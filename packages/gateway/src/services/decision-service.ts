/** The decision services of one thread: which there are, where they listen, how they end. */
import type { AddressInfo, Server } from 'node:net';
import type { GatewayConfig, ListenConfig } from '../config/config.ts';
import { configErrorAt } from '../config/locate.ts';
import type { Tally } from '../control/tally.ts';
import { createExtAuthz } from './ext-authz/ext-authz.ts';
import { createForwardAuth } from './forward-auth/forward-auth.ts';
import type { JudgeOptions } from './judge.ts';
import { ServiceTally } from './service-tally.ts';
import { createTrustedPeers } from './trusted-peers.ts';

/** One service, whatever protocol it speaks. */
export interface DecisionService {
  readonly listener: Server;
  /** Stops accepting, lets running questions be answered, at the latest until then. */
  close(timeoutMs: number): Promise<void>;
}

/** Names of the services in the configuration. */
export type DecisionServiceName = 'extAuthz' | 'forwardAuth';

/** The ports of those that listen. */
export type DecisionPorts = Readonly<Partial<Record<DecisionServiceName, number>>>;

/** All of one thread. */
export interface DecisionServices {
  /** @param reusePort whether other threads listen there too. @throws ConfigError (as a rejection) naming the setting */
  listen(reusePort?: boolean): Promise<DecisionPorts>;
  close(timeoutMs: number): Promise<void>;
}

/** What they take from the thread. */
export interface DecisionServicesDependencies {
  readonly current: JudgeOptions['current'];
  readonly isReady: () => boolean;
  readonly tally: Tally;
}

/** Where each configured service is to listen. */
export function decisionListeners({ decisionService }: GatewayConfig): readonly (readonly [DecisionServiceName, ListenConfig])[] {
  const { extAuthz, forwardAuth } = decisionService ?? {};
  return [
    ...(extAuthz === undefined ? [] : [['extAuthz', extAuthz.listen] as const]),
    ...(forwardAuth === undefined ? [] : [['forwardAuth', forwardAuth.listen] as const]),
  ];
}

/** Creates the configured services. None listens yet. */
export function createDecisionServices(config: GatewayConfig, dependencies: DecisionServicesDependencies): DecisionServices {
  const isTrusted = createTrustedPeers(config.decisionService?.trustedProxies ?? []);
  const services = decisionListeners(config).map(([name, address]) => {
    const tally = new ServiceTally(name === 'extAuthz' ? 'ext_authz' : 'forward_auth');
    dependencies.tally.services.push(tally);
    const options = { ...dependencies, tally, isTrusted };
    const service =
      name === 'extAuthz'
        ? createExtAuthz(options)
        : createForwardAuth({ ...options, limits: config.limits, style: config.decisionService!.forwardAuth!.style });
    return { name, address, service };
  });
  return {
    async listen(reusePort = false) {
      const ports: Partial<Record<DecisionServiceName, number>> = {};
      for (const { name, address, service } of services) {
        ports[name] = await listenOn(service.listener, address, reusePort).catch((error: NodeJS.ErrnoException) => {
          throw portError(config, name, address, error);
        });
      }
      return ports;
    },
    async close(timeoutMs) {
      await Promise.all(services.map(({ service }) => service.close(timeoutMs)));
    },
  };
}

function listenOn(listener: Server, { host, port }: ListenConfig, reusePort: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ host, port, reusePort, exclusive: reusePort }, () => {
      listener.off('error', reject);
      resolve((listener.address() as AddressInfo).port);
    });
  });
}

/** The error for a port that cannot be listened on. */
export function portError(
  config: GatewayConfig,
  name: DecisionServiceName,
  { host, port }: ListenConfig,
  error: NodeJS.ErrnoException,
): Error {
  const reason = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be listened on (${error.code})`;
  return configErrorAt(config, ['decisionService', name, 'listen', 'port'], `${host}:${port} ${reason}`, error);
}
