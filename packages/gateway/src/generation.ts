/** One configuration put to work: everything that changes when the configuration does. What stays the same is taken over. */
import type { RequestListener } from 'node:http';
import {
  type SharedTable,
  SigningKey,
  type SigningKeys,
  type TxnMinter,
  type VerificationCache,
  type Verifier,
  systemClock,
} from '@watchword/core';
import type { Registry } from 'prom-client';
import { type Trust, type TrustDependencies, createTrust } from './assemble/trust.ts';
import { compileRoutes } from './routing/compile.ts';
import { createChecks } from './checks.ts';
import type { GatewayConfig } from './config/config.ts';
import { createMetrics } from './control/metrics.ts';
import type { RevocationEndpoint } from './control/revocation-endpoint.ts';
import { RouteTallies, type Tally } from './control/tally.ts';
import { createAuthorizeStage } from './decision/authorize.ts';
import { createDecide } from './decision/decide.ts';
import { observed } from './decision/observed.ts';
import { type Deferral, createDeferral } from './deferred/deferral.ts';
import type { EdgeOptions } from './front/passage.ts';
import { StreamGuard } from './front/stream-guard.ts';
import { readTls } from './front/tls.ts';
import { keepKeysComing } from './key-watch.ts';
import { createObserver } from './generation/observer.ts';
import { Running, inTime } from './generation/running.ts';
import { composeStages } from './generation/stages.ts';
import {
  buildTokenService,
  takeCache,
  takeGuard,
  takeMinter,
  takePossession,
  takeSigningKeys,
  takeTxnKey,
} from './generation/taken-parts.ts';
import type { Logger } from './logger.ts';
import type { ReloadStats } from './reload/reload-stats.ts';
import type { Lease, Shelf } from './reload/shelf.ts';
import type { RevocationGuard, RevocationGuardParts } from './revocation/guard.ts';
import { createEndpoint, metricsOf } from './revocation/operate.ts';
import { createTrustedPeers } from './headers/trusted-peers.ts';
import type { WatchedSigningKeys } from './signing-keys/watched.ts';
import { upstreamLog } from './upstream/upstream-log.ts';
import { addTokenMetrics } from './token-service/token-tally.ts';
import { type Upstreams, createUpstreams } from './upstream/upstreams.ts';

/** What a generation takes from outside. */
export interface GenerationDependencies extends Omit<TrustDependencies, 'take' | 'checks'> {
  readonly logger: Logger;
  /** The key of the Txn-Tokens; undefined: what the configuration says. */
  readonly txnKey?: SigningKey | SigningKeys | undefined;
  /** What this thread shares with others. */
  readonly table?: SharedTable | undefined;
  readonly reloads?: ReloadStats | undefined;
  readonly tally: Tally;
  readonly shelf: Shelf;
  /** Is told of what is revoked here. */
  readonly onRevoke?: RevocationGuardParts['onRevoke'];
  /** Whether this one answers the requests of the token service, where there is one. */
  readonly hostsTokenService?: boolean | undefined;
  /** Adds the keys that were replaced to those that sign. */
  readonly published?: ((keys: readonly object[]) => { readonly keys: readonly object[] }) | undefined;
  /** The one that it follows. */
  readonly earlier?: Generation | undefined;
}

/** A configuration at work. */
export interface Generation {
  readonly config: GatewayConfig;
  readonly trust: Trust | undefined;
  /** Verifies external tokens, revocations included, without a cache. */
  readonly verifier: Verifier | undefined;
  readonly cache: VerificationCache | undefined;
  readonly minter: TxnMinter | undefined;
  /** What the minter signs with, if that is one key. */
  readonly txnKey: SigningKey | undefined;
  /** Signing keys that rotate; undefined: there is one key, or another thread looks after them. */
  readonly signingKeys: WatchedSigningKeys | undefined;
  readonly guard: RevocationGuard | undefined;
  readonly upstreams: Upstreams;
  /** Undefined: nothing is deferred. */
  readonly deferral: Deferral | undefined;
  readonly edge: EdgeOptions;
  readonly routes: RouteTallies;
  readonly metrics: Registry;
  readonly revocation: RevocationEndpoint | undefined;
  /** Answers the requests of the token service. */
  readonly tokenService: RequestListener | undefined;
  /** Begins to fetch the keys that have not been fetched. */
  fetchKeys(): void;
  /** Resolves when keys and revocations are there, or after this time. */
  settled(timeoutMs: number): Promise<void>;
  /** Keeps it from retiring until the returned function is called. */
  hold(): () => void;
  /** Waits for the requests that began under it, then gives back what no other generation uses. */
  retire(): Promise<void>;
  /** The same without waiting. */
  release(): Promise<void>;
}

/** Builds it. Nothing of what is in force changes. @throws ConfigError */
export function composeGeneration(config: GatewayConfig, dependencies: GenerationDependencies): Generation {
  const lease = dependencies.shelf.lease();
  try {
    return build(config, dependencies, lease);
  } catch (error) {
    void lease.release();
    throw error;
  }
}

function build(config: GatewayConfig, dependencies: GenerationDependencies, lease: Lease): Generation {
  const { logger, table, tally, reloads, earlier, clock, fetch, sources } = dependencies;
  const { take } = lease;
  const network = { ...(clock === undefined ? {} : { clock }), ...(fetch === undefined ? {} : { fetch }) };
  const { checks, adaptive } = take(['checks', config.verification], () => createChecks(config.verification, table));
  const trust = createTrust(config, { checks, sources, take, ...network });
  const signingKeys = dependencies.txnKey === undefined ? takeSigningKeys(config, logger, clock, lease) : undefined;
  const txnKey = config.txnToken && (dependencies.txnKey ?? signingKeys?.keys ?? takeTxnKey(config, config.txnToken, lease));
  const minter = txnKey && takeMinter(config, txnKey, clock, lease);
  const guard = takeGuard(config, logger, { clock, earlier: earlier?.guard, onRevoke: dependencies.onRevoke }, lease);
  const built = trust && (guard?.guard(trust.verifier) ?? trust.verifier);
  // The policy id covers everything that a verdict depends on: where it is the same, so is every verdict (D2).
  const verifier = built && take(['verifier', built.policyId], () => built);
  const cache = verifier && takeCache(verifier, config, lease);
  const upstreams = createUpstreams(config, { observer: upstreamLog(logger) }, take);
  const routes = compileRoutes(config);
  const stages = composeStages(routes, cache, minter, guard, takePossession(config, clock, lease));
  const deferral =
    trust &&
    createDeferral(config, {
      ...stages,
      trust,
      checks,
      upstreams,
      revocations: guard?.revocations,
      take,
      logger,
      clock,
    });
  const tallies = new RouteTallies(routes, earlier?.routes);
  const running = new Running();
  const authorize = createAuthorizeStage(guard);
  const streams = new StreamGuard({ verifier, authorize, clock, tally });
  const remoteKeys = trust?.remoteKeys ?? [];
  const tokenService = dependencies.hostsTokenService
    ? buildTokenService(
        config,
        {
          ...dependencies,
          txnKey,
          freshen: signingKeys && (() => signingKeys.freshen()),
          checks,
          external: cache,
          policy: trust?.policy,
          guard,
        },
        lease,
      )
    : undefined;
  const metrics = createMetrics({
    tally,
    routes: tallies,
    cache: cache && (() => cache.stats()),
    minter,
    remoteKeys,
    revocation: guard && metricsOf(guard),
    signingKeys: signingKeys && {
      keys: signingKeys.keys,
      rotateEverySeconds: config.txnToken!.keys!.rotateEverySeconds,
      clock: clock ?? systemClock,
    },
    knownBad: trust && (() => checks.stats()),
    adaptive: adaptive && (() => adaptive.stats()),
    statusLists: trust?.statusLists,
    upstreams: () => upstreams.list(),
    reloads,
  });
  if (tokenService !== undefined) addTokenMetrics(metrics, tokenService.tally);
  return {
    config,
    trust,
    verifier,
    cache,
    minter,
    txnKey: txnKey instanceof SigningKey ? txnKey : undefined,
    signingKeys,
    guard,
    upstreams,
    deferral,
    routes: tallies,
    edge: {
      decide: observed(createDecide(stages)),
      door: deferral?.door,
      upstreams,
      limits: config.limits,
      listen: config.listen,
      streams,
      takesUpgrades: routes.some(({ upgrade }) => upgrade !== undefined),
      tls: readTls(config),
      isFull: () => tally.running > config.limits.concurrentRequests,
      isTrusted: createTrustedPeers(config.trustedProxies),
      observer: createObserver(tally, tallies, running, logger),
    },
    metrics,
    tokenService: tokenService && running.around(tokenService.listener),
    revocation: guard && createEndpoint(guard, config, logger, clock),
    fetchKeys() {
      for (const keys of remoteKeys) {
        take(
          ['key watch', keys],
          () => ({ stop: keepKeysComing([keys], logger) }),
          (watch) => watch.stop(),
        );
      }
    },
    async settled(timeoutMs) {
      await Promise.all([
        guard?.settled(timeoutMs),
        signingKeys && inTime(signingKeys.asked, timeoutMs),
        inTime(Promise.allSettled(remoteKeys.map((keys) => keys.ready())), timeoutMs),
      ]);
    },
    hold() {
      running.enter();
      return () => running.leave();
    },
    async retire() {
      await running.idle();
      streams.close();
      await lease.release();
    },
    release() {
      streams.close();
      return lease.release();
    },
  };
}
