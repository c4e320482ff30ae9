/** Puts the parts of a gateway together, without a port yet: one thread is one composition. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type CacheOptions,
  type ClockWatch,
  SIGNATURE_CHECK_CHANNEL,
  type SharedTable,
  type SigningKey,
  type TxnMinter,
  type VerificationCache,
  type Verifier,
  WatchwordError,
  createCachedVerifier,
  watchClock,
} from '@watchword/core';
import { logAlarms } from './alarms.ts';
import { createChecks } from './checks.ts';
import { type Trust, type TrustDependencies, compileRoutes, createMinter, createTrust } from './assemble.ts';
import type { GatewayConfig } from './config/config.ts';
import type { ControlOptions, Readiness } from './control/control-server.ts';
import { createMetrics } from './control/metrics.ts';
import { Tally } from './control/tally.ts';
import { createAuthenticateStage } from './decision/authenticate.ts';
import { createAuthorizeStage } from './decision/authorize.ts';
import { createDecide } from './decision/decide.ts';
import type { Decide } from './decision/decision.ts';
import { createExchangeStage } from './decision/exchange.ts';
import { observed } from './decision/observed.ts';
import { createRouteStage } from './decision/route.ts';
import { keepKeysComing } from './key-watch.ts';
import { type Logger, logRefusal } from './logger.ts';
import { type Edge, createEdge } from './front/http1-server.ts';
import { createUpstreams } from './upstream/upstreams.ts';
import { type RevocationGuard, createRevocationGuard } from './revocation/guard.ts';
import { createEndpoint, metricsOf } from './revocation/operate.ts';
import type { Route } from './routing/route.ts';
import { createRouter } from './routing/router.ts';

/** What a composition takes from outside. */
export interface CompositionDependencies extends TrustDependencies {
  readonly logger: Logger;
  /** The key of the Txn-Tokens; undefined: what the configuration says. */
  readonly txnKey?: SigningKey | undefined;
  /** What this thread shares with others. */
  readonly table?: SharedTable | undefined;
}

/** A gateway that does not listen yet. */
export interface Composition {
  readonly edge: Edge;
  /** What a control listener shows of it. */
  readonly control: Omit<ControlOptions, 'readiness'> & { readonly readiness: () => Readiness };
  readonly trust: Trust | undefined;
  /** Verifies external tokens, revocations included, without a cache. */
  readonly verifier: Verifier | undefined;
  /** Resolves when the revocations have been read, or after a while. */
  settled(): Promise<void>;
  /** To be called once the edge listens: fetches keys, counts. */
  start(): void;
  /** Lets running requests finish up to `limits.shutdownTimeoutMs`. */
  drain(): Promise<void>;
  /** Gives back everything. */
  close(): Promise<void>;
}

/** How long a start waits for the revocations. */
const SETTLE_MS = 2000;

/** Builds a composition. @throws ConfigError */
export function composeGateway(config: GatewayConfig, dependencies: CompositionDependencies): Composition {
  const { logger, txnKey, table, ...trusted } = dependencies;
  const { clock } = trusted;
  const { checks, adaptive } = createChecks(config.verification, table);
  const trust = createTrust(config, { checks, ...trusted });
  const minter = createMinter(config, clock, txnKey);
  const guard = createRevocationGuard(config, logger, clock);
  const verifier = trust && (guard?.guard(trust.verifier) ?? trust.verifier);
  const cache = verifier && createCachedVerifier(verifier, cacheOptions(config));
  const routes = compileRoutes(config);
  const tally = new Tally(routes);
  const upstreams = createUpstreams(config.upstreams);
  const edge = createEdge({
    decide: observed(composeDecide(routes, cache, minter, guard)),
    upstreams,
    limits: config.limits,
    observer: createObserver(tally, logger),
  });
  const remoteKeys = trust?.remoteKeys ?? [];
  const countSignature = (): void => {
    tally.signatureChecks += 1;
  };
  let isDraining = false;
  let stopWatching = (): void => {};
  let stopAlarms = (): void => {};
  let clockWatch: ClockWatch | undefined;
  return {
    edge,
    trust,
    verifier,
    control: {
      readiness: () => (isDraining ? 'draining' : readinessOf(trust, guard)),
      metrics: createMetrics({
        tally,
        cache: cache && (() => cache.stats()),
        minter,
        remoteKeys,
        revocation: guard && metricsOf(guard),
        knownBad: trust && (() => checks.stats()),
        adaptive: adaptive && (() => adaptive.stats()),
        statusLists: trust?.statusLists,
      }),
      jwks: () => minter?.jwks() ?? { keys: [] },
      revocation: guard && createEndpoint(guard, config, logger, clock),
    },
    async settled() {
      await guard?.settled(SETTLE_MS);
    },
    start() {
      subscribe(SIGNATURE_CHECK_CHANNEL, countSignature);
      stopWatching = keepKeysComing(remoteKeys, logger);
      const issuers = new Set(config.issuers.map(({ issuer }) => issuer));
      stopAlarms = logAlarms({ issuers, policyId: cache?.policyId }, logger);
      clockWatch = watchClock(clock === undefined ? {} : { clock });
    },
    async drain() {
      isDraining = true;
      stopWatching();
      await drain(edge, config.limits.shutdownTimeoutMs);
      await upstreams.destroy();
    },
    async close() {
      for (const source of [...remoteKeys, ...(trust?.statusLists ?? [])]) source.close();
      cache?.close();
      clockWatch?.close();
      stopAlarms();
      await guard?.close();
      unsubscribe(SIGNATURE_CHECK_CHANNEL, countSignature);
    },
  };
}

function cacheOptions({ cache: { maxEntries, maxBytes } }: GatewayConfig): CacheOptions {
  return { maxEntries, ...(maxBytes === undefined ? {} : { maxBytes }) };
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

async function drain(edge: Edge, timeoutMs: number): Promise<void> {
  edge.drain();
  const closed = new Promise<void>((resolve) => edge.server.close(() => resolve()));
  const timer = setTimeout(() => edge.server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
}
