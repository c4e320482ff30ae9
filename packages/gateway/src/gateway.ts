/** Puts the parts together: configuration in, a running gateway out. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SIGNATURE_CHECK_CHANNEL, type TxnMinter, type VerificationCache, createCachedVerifier } from '@watchword/core';
import { type Trust, type TrustDependencies, compileRoutes, createMinter, createTrust } from './assemble.ts';
import type { GatewayConfig, ListenConfig } from './config/config.ts';
import { configErrorAt } from './config/locate.ts';
import { type Readiness, createControlServer } from './control/control-server.ts';
import { createMetrics } from './control/metrics.ts';
import { Tally } from './control/tally.ts';
import { createAuthenticateStage } from './decision/authenticate.ts';
import { createAuthorizeStage } from './decision/authorize.ts';
import { createDecide } from './decision/decide.ts';
import { WatchwordError } from '@watchword/core';
import type { Decide } from './decision/decision.ts';
import { createExchangeStage } from './decision/exchange.ts';
import { observed } from './decision/observed.ts';
import { createRouteStage } from './decision/route.ts';
import { keepKeysComing } from './key-watch.ts';
import { type Logger, createLogger, logRefusal } from './logger.ts';
import { type Edge, createEdge } from './proxy/edge-server.ts';
import { type Upstreams, createUpstreams } from './proxy/upstreams.ts';
import { type RevocationGuard, createRevocationGuard } from './revocation/guard.ts';
import { createEndpoint, metricsOf } from './revocation/operate.ts';
import type { Route } from './routing/route.ts';
import { createRouter } from './routing/router.ts';

/** What a program or a test may put in the place of the machine. */
export interface GatewayDependencies extends TrustDependencies {
  readonly logger?: Logger;
}

/** A running gateway. */
export interface Gateway {
  /** Port of the edge. */
  readonly port: number;
  /** Port of the control listener. */
  readonly controlPort: number;
  /** Stops accepting, lets running requests finish up to `limits.shutdownTimeoutMs`, then closes everything. Idempotent. */
  close(): Promise<void>;
}

/** How long a start waits for the revocations. */
const SETTLE_MS = 2000;

/**
 * Starts a gateway; resolves when both listeners accept connections.
 * @throws ConfigError for what only shows now: unreadable key files, a port that is taken
 */
export async function startGateway(config: GatewayConfig, dependencies: GatewayDependencies = {}): Promise<Gateway> {
  const logger = dependencies.logger ?? createLogger(config.log.level);
  const trust = createTrust(config, pickTrustDependencies(dependencies));
  const minter = createMinter(config, dependencies.clock);
  const guard = createRevocationGuard(config, logger, dependencies.clock);
  const cache = trust && createCachedVerifier(guard?.guard(trust.verifier) ?? trust.verifier, config.cache);
  const routes = compileRoutes(config);
  const tally = new Tally(routes);
  const upstreams = createUpstreams(config.upstreams);
  const edge = createEdge({
    decide: observed(composeDecide(routes, cache, minter, guard)),
    upstreams,
    limits: config.limits,
    observer: createObserver(tally, logger),
  });
  let draining = false;
  const control = createControlServer({
    readiness: () => (draining ? 'draining' : readinessOf(trust, guard)),
    metrics: createMetrics({
      tally,
      cache: cache && (() => cache.stats()),
      minter,
      remoteKeys: trust?.remoteKeys ?? [],
      revocation: guard && metricsOf(guard),
    }),
    jwks: () => minter?.jwks() ?? { keys: [] },
    revocation: guard && createEndpoint(guard, config, logger, dependencies.clock),
  });

  try {
    // A log at hand is read before the first request comes. One that is not there does not hold up those routes that do without.
    await guard?.settled(SETTLE_MS);
    await listen(control, config, 'control');
    await listen(edge.server, config, 'listen');
  } catch (error) {
    control.close();
    await guard?.close();
    throw error;
  }
  const countSignature = (): void => {
    tally.signatureChecks += 1;
  };
  subscribe(SIGNATURE_CHECK_CHANNEL, countSignature);
  const stopWatching = keepKeysComing(trust?.remoteKeys ?? [], logger);
  const shutDown = async (): Promise<void> => {
    draining = true;
    stopWatching();
    await drain(edge, upstreams, config.limits.shutdownTimeoutMs);
    control.close();
    control.closeAllConnections();
    await guard?.close();
    unsubscribe(SIGNATURE_CHECK_CHANNEL, countSignature);
  };
  let closing: Promise<void> | undefined;
  return { port: portOf(edge.server), controlPort: portOf(control), close: () => (closing ??= shutDown()) };
}

function pickTrustDependencies({ clock, fetch }: GatewayDependencies): TrustDependencies {
  return { ...(clock === undefined ? {} : { clock }), ...(fetch === undefined ? {} : { fetch }) };
}

function composeDecide(
  routes: readonly Route[],
  cache: VerificationCache | undefined,
  minter: TxnMinter | undefined,
  guard: RevocationGuard | undefined,
): Decide {
  return createDecide({
    route: createRouteStage(createRouter(routes)),
    // Without issuers every route is public (checked with the configuration); should one not be, it refuses.
    authenticate: cache === undefined ? unconfigured : createAuthenticateStage(cache),
    authorize: createAuthorizeStage(guard),
    exchange: minter === undefined ? unconfigured : createExchangeStage(minter),
  });
}

function unconfigured(): never {
  throw new WatchwordError('internal');
}

function createObserver(tally: Tally, logger: Logger) {
  return {
    answered: (route: Route | undefined, status: number, durationMs: number): void => tally.answered(route, status, durationMs),
    refused(error: WatchwordError, route: Route | undefined, method: string): void {
      tally.refused(error.code);
      logRefusal(logger, error, route, method);
    },
    removedTxnTokens(count: number): void {
      tally.removedTxnTokens += count;
    },
  };
}

function readinessOf(trust: Trust | undefined, guard: RevocationGuard | undefined): Readiness {
  const loaded = trust === undefined || trust.remoteKeys.every((keys) => Number.isFinite(keys.ageMs()));
  if (!loaded) return 'keys_unavailable';
  return guard?.isReady() === false ? 'revocations_unavailable' : 'ready';
}

function listen(server: Server, config: GatewayConfig, section: 'listen' | 'control'): Promise<void> {
  const { host, port }: ListenConfig = config[section];
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be listened on (${error.code})`;
      reject(configErrorAt(config, [section, 'port'], `${host}:${port} ${reason}`, error));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function drain(edge: Edge, upstreams: Upstreams, timeoutMs: number): Promise<void> {
  edge.drain();
  const closed = new Promise<void>((resolve) => edge.server.close(() => resolve()));
  const timer = setTimeout(() => edge.server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
  await upstreams.destroy();
}
