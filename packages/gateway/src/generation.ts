/** One configuration put to work: everything that changes when the configuration does. What stays the same is taken over. */
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import {
  type CacheOptions,
  type SharedTable,
  SigningKey,
  type SigningKeys,
  type TxnMinter,
  type VerificationCache,
  type Verifier,
  WatchwordError,
  createCachedVerifier,
  systemClock,
} from '@watchword/core';
import type { Registry } from 'prom-client';
import {
  type MinterChanges,
  type Trust,
  type TrustDependencies,
  compileRoutes,
  createMinter,
  createTrust,
  createTxnKey,
} from './assemble.ts';
import { createChecks } from './checks.ts';
import type { GatewayConfig, TxnTokenConfig } from './config/config.ts';
import { createMetrics } from './control/metrics.ts';
import type { RevocationEndpoint } from './control/revocation-endpoint.ts';
import { RouteTallies, type Tally } from './control/tally.ts';
import { createAuthenticateStage } from './decision/authenticate.ts';
import { createAuthorizeStage } from './decision/authorize.ts';
import { type Stages, createDecide } from './decision/decide.ts';
import { createExchangeStage } from './decision/exchange.ts';
import { observed } from './decision/observed.ts';
import { createRouteStage } from './decision/route.ts';
import { type Deferral, createDeferral } from './deferred/deferral.ts';
import type { EdgeOptions } from './front/passage.ts';
import { StreamGuard } from './front/stream-guard.ts';
import { longestVoucherSeconds } from './config/sections/vouchers.ts';
import { readTls } from './front/tls.ts';
import { keepKeysComing } from './key-watch.ts';
import { type Logger, logRefusal } from './logger.ts';
import { type PossessionGuard, createPossessionGuard } from './possession.ts';
import type { ReloadStats } from './reload/reload-stats.ts';
import type { Lease, Shelf } from './reload/shelf.ts';
import { type RevocationGuard, createRevocationGuard } from './revocation/guard.ts';
import { readLogPassword } from './revocation/open-log.ts';
import { createEndpoint, metricsOf } from './revocation/operate.ts';
import { createTrustedPeers } from './headers/trusted-peers.ts';
import type { Route } from './routing/route.ts';
import { createRouter } from './routing/router.ts';
import { openSigningKeys, readSigningKeySecrets } from './signing-keys/open.ts';
import { type WatchedSigningKeys, watchSigningKeys } from './signing-keys/watched.ts';
import { upstreamLog } from './upstream/upstream-log.ts';
import { type HostParts, type HostedTokenService, composeTokenService } from './token-service/compose.ts';
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
  const guard = takeGuard(config, logger, clock, lease);
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
      withRevocations: (inner) => guard?.guard(inner) ?? inner,
      take,
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
        { ...dependencies, txnKey, freshen: signingKeys && (() => signingKeys.freshen()), checks, external: cache, guard },
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

function takeSigningKeys(
  config: GatewayConfig,
  logger: Logger,
  clock: TrustDependencies['clock'],
  { take }: Lease,
): WatchedSigningKeys | undefined {
  const { keys, algorithm } = config.txnToken ?? {};
  if (keys === undefined) return undefined;
  const secrets = readSigningKeySecrets(config);
  return take(
    ['signing keys', keys, algorithm, secrets.id, longestVoucherSeconds(config.tokenService)],
    () => watchSigningKeys(openSigningKeys(config, keys, clock, secrets), logger),
    (made) => made.close(),
  );
}

// The same key as before unless its file says something else.
function takeTxnKey(config: GatewayConfig, section: TxnTokenConfig, { take }: Lease): SigningKey {
  const { algorithm, keyFile, keyId } = section;
  if (keyFile === undefined) return take(['own txn key', algorithm], () => createTxnKey(section, config));
  const read = createTxnKey(section, config);
  return take(['txn key', algorithm, keyId, read.publicJwk()], () => read);
}

function buildTokenService(
  config: GatewayConfig,
  { txnKey, published, ...parts }: GenerationDependencies & Pick<HostParts, 'checks' | 'external' | 'guard' | 'freshen'>,
  lease: Lease,
): HostedTokenService | undefined {
  const { tokenService, revocation } = config;
  if (tokenService === undefined) return undefined;
  const { maxReplacements } = tokenService;
  const changes = { maxReplacements, tokenIds: revocation !== undefined, reuseWindowSeconds: 0 };
  const minter = takeMinter(config, txnKey!, parts.clock, lease, changes);
  const jwks = () => (published === undefined ? minter.jwks() : published(minter.jwks().keys));
  return composeTokenService(config, { ...parts, clock: parts.clock, take: lease.take, minter, jwks });
}

function takeMinter(
  config: GatewayConfig,
  key: SigningKey | SigningKeys,
  clock: TrustDependencies['clock'],
  { take }: Lease,
  changes: MinterChanges = {},
): TxnMinter {
  return take(['minter', config.txnToken, key, changes], () => createMinter(config, clock, key, changes)!);
}

function takeGuard(
  config: GatewayConfig,
  logger: Logger,
  clock: TrustDependencies['clock'],
  { take }: Lease,
): RevocationGuard | undefined {
  const { revocation } = config;
  if (revocation === undefined) return undefined;
  const freshness = [revocation.staleAfterMs, ...config.routes.map((route) => route.revocation?.staleAfterMs)];
  const password = createHash('sha256')
    .update(readLogPassword(config) ?? '')
    .digest('base64url');
  return take(
    ['revocations', revocation.log, freshness, password],
    () => createRevocationGuard(config, logger, clock)!,
    (made) => made.close(),
  );
}

function takeCache(verifier: Verifier, { cache: { maxEntries, maxBytes } }: GatewayConfig, { take }: Lease): VerificationCache {
  const options: CacheOptions = { maxEntries, ...(maxBytes === undefined ? {} : { maxBytes }) };
  return take(
    ['cache', verifier.policyId, options],
    () => createCachedVerifier(verifier, options),
    (made) => made.close(),
  );
}

// A proof that was used stays used under the next configuration too.
function takePossession(config: GatewayConfig, clock: TrustDependencies['clock'], { take }: Lease): PossessionGuard | undefined {
  const { possession, listen } = config;
  if (possession === undefined) return undefined;
  return take(
    ['possession', possession, listen.tls === undefined],
    () => createPossessionGuard(config, clock)!,
    (made) => made.close(),
  );
}

function composeStages(
  routes: readonly Route[],
  cache: VerificationCache | undefined,
  minter: TxnMinter | undefined,
  guard: RevocationGuard | undefined,
  possession: PossessionGuard | undefined,
): Stages {
  return {
    route: createRouteStage(createRouter(routes)),
    // Without issuers every route is public (checked with the configuration); should one not be, it refuses.
    authenticate: cache === undefined ? unconfigured : createAuthenticateStage(cache, possession),
    authorize: createAuthorizeStage(guard),
    exchange: minter === undefined ? unconfigured : createExchangeStage(minter),
  };
}

function unconfigured(): never {
  throw new WatchwordError('internal');
}

function createObserver(tally: Tally, tallies: RouteTallies, running: Running, logger: Logger): EdgeOptions['observer'] {
  return {
    entered() {
      tally.running += 1;
      running.enter();
    },
    answered(route, status, durationMs) {
      tallies.answered(route, status, durationMs);
      tally.running -= 1;
      tally.clients.count();
      running.leave();
    },
    turnedAway() {
      tally.turnedAway += 1;
    },
    refused(error, route, method) {
      tally.refused(error.code);
      logRefusal(logger, error, route, method);
    },
    removedTxnTokens(count) {
      tally.removedTxnTokens += count;
    },
  };
}

/** How many requests run. */
class Running {
  #count = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  enter(): void {
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#idle?.resolve();
  }

  /** Counts the requests of a listener. */
  around(listener: RequestListener): RequestListener {
    return (request, response) => {
      this.enter();
      response.once('close', () => this.leave());
      return listener(request, response);
    };
  }

  async idle(): Promise<void> {
    if (this.#count === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}

/** Waits for something, but not longer than this. */
export async function inTime(awaited: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([awaited, late]);
  clearTimeout(timer);
}
