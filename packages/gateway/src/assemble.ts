/** From a configuration to what the decision stages are made of. Reads key files; opens no connection. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type Clock,
  type FreshnessRequirement,
  type KeySource,
  type RemoteKeys,
  type RemoteKeysOptions,
  type SignatureChecks,
  type SigningKey,
  type SigningKeys,
  type StatusLists,
  type TxnMinter,
  type TrustPolicyOptions,
  type TxnMinterOptions,
  type Verifier,
  createLocalKeys,
  createRemoteKeys,
  createSigningKey,
  createStatusListVerifier,
  createStatusLists,
  createTxnMinter,
  createVerifier,
  generateSigningKey,
  readFreshness,
} from '@watchword/core';
import type { GatewayConfig, IssuerConfig, RevocationConfig, RouteConfig, TxnTokenConfig } from './config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from './config/locate.ts';
import { type Take, takeNew } from './reload/shelf.ts';
import { DEFAULT_MAX_AGE_SECONDS } from './config/sections/deferred.ts';
import type { Route } from './routing/route.ts';

/** What a program or a test may put in the place of the machine. */
export interface TrustDependencies {
  readonly clock?: Clock;
  /** For key sets. Default: the global one. */
  readonly fetch?: NonNullable<RemoteKeysOptions['fetch']>;
  /** How signatures are checked. Default: at once, on this thread. */
  readonly checks?: SignatureChecks | undefined;
  /** The keys of each issuer, in the order of the configuration. Default: those that it names. */
  readonly sources?: readonly KeySource[] | undefined;
  /** Where to take what another configuration may have made. Default: everything is new. */
  readonly take?: Take;
}

/** Whom the gateway trusts. */
export interface Trust {
  readonly verifier: Verifier;
  /** The keys of each issuer. */
  readonly sources: readonly KeySource[];
  /** Those of them that fetch. */
  readonly remoteKeys: readonly RemoteKeys[];
  /** Token Status Lists of the issuers that have some. */
  readonly statusLists: readonly StatusLists[];
  /** What the verifier was made of, for others that must judge in the same way. */
  readonly policy: TrustPolicyOptions;
  /** Puts the status lists around another verifier. */
  readonly withStatusLists: (verifier: Verifier) => Verifier;
}

/** Builds the verifier of external tokens; undefined without issuers. @throws ConfigError */
export function createTrust(config: GatewayConfig, dependencies: TrustDependencies = {}): Trust | undefined {
  if (config.issuers.length === 0) return undefined;
  const { clock, fetch, checks, sources: given, take = takeNew } = dependencies;
  const network = { ...(clock === undefined ? {} : { clock }), ...(fetch === undefined ? {} : { fetch }) };
  const sources = config.issuers.map((issuer, index) => given?.[index] ?? takeKeySource(issuer, index, config, network, take));
  const issuers = config.issuers.map((issuer, index) => ({ ...policyOf(issuer), keys: sources[index]! }));
  const policy: TrustPolicyOptions = {
    issuers,
    maxTokenBytes: config.limits.tokenBytes,
    ...(checks === undefined ? {} : { checks }),
    ...(clock === undefined ? {} : { clock }),
  };
  const plain = locating(config, ['issuers'], () => createVerifier(policy));
  const listed = config.issuers.flatMap((entry, index) => {
    if (entry.statusLists === undefined) return [];
    const keys = sources[index]!;
    const lists = take(
      ['status lists', entry, keys],
      () => createLists(entry, keys, ['issuers', index, 'statusLists'], config, network),
      (made) => made.close(),
    );
    const { whenStale, required } = entry.statusLists;
    return [{ lists, rule: { whenStale, required } }];
  });
  const withStatusLists = (inner: Verifier): Verifier =>
    listed.reduce((verifier, { lists, rule }) => createStatusListVerifier(verifier, lists, rule), inner);
  const statusLists = listed.map(({ lists }) => lists);
  const verifier = withStatusLists(plain);
  return { verifier, sources, remoteKeys: sources.filter(isRemote), statusLists, policy, withStatusLists };
}

/** In what the minter of the token service differs from that of the edge. */
export type MinterChanges = Partial<Pick<TxnMinterOptions, 'tokenIds' | 'maxReplacements' | 'reuseWindowSeconds'>>;

/** Builds the minter of Txn-Tokens; undefined without a `txnToken` section. @throws ConfigError */
export function createMinter(
  config: GatewayConfig,
  clock?: Clock,
  signingKey?: SigningKey | SigningKeys,
  changes: MinterChanges = {},
): TxnMinter | undefined {
  const { txnToken } = config;
  if (txnToken === undefined) return undefined;
  const { trustDomain, requestingWorkload, lifetimeSeconds, reuseWindowSeconds, claims } = txnToken;
  const key = signingKey ?? createTxnKey(txnToken, config);
  return locating(config, ['txnToken'], () =>
    createTxnMinter({
      trustDomain,
      requestingWorkload,
      lifetimeSeconds,
      claims,
      key,
      ...(reuseWindowSeconds === undefined ? {} : { reuseWindowSeconds }),
      ...(clock === undefined ? {} : { clock }),
      ...changes,
    }),
  );
}

/** Compiles the route table. */
export function compileRoutes(config: GatewayConfig): readonly Route[] {
  return config.routes.map((route, index) =>
    Object.freeze({
      index,
      path: route.path,
      host: route.host,
      methods: route.methods,
      upstream: route.upstream,
      public: route.public,
      requirement: Object.freeze(route.scopes === undefined ? {} : { scopes: route.scopes }),
      freshness: config.revocation === undefined ? undefined : readFreshness(freshnessOf(config.revocation, route)),
      reuse: route.reuse === 'window',
      stream: route.stream,
      upgrade: route.upgrade,
      deferredForMs: route.verification === 'deferred' ? (route.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS) * 1000 : undefined,
      streams: route.streams,
    }),
  );
}

function freshnessOf(section: RevocationConfig, { revocation = {} }: RouteConfig): Required<FreshnessRequirement> {
  return {
    staleAfterMs: revocation.staleAfterMs ?? section.staleAfterMs,
    whenStale: revocation.whenStale ?? section.whenStale,
  };
}

function isRemote(keys: KeySource): keys is RemoteKeys {
  return 'ready' in keys;
}

function policyOf({
  issuer,
  audience,
  algorithms,
  tokenTypes,
  requiredClaims,
  toleranceSeconds,
  maxTokenAgeSeconds,
}: IssuerConfig) {
  return {
    issuer,
    audience,
    algorithms,
    ...(tokenTypes === undefined ? {} : { tokenTypes }),
    ...(requiredClaims === undefined ? {} : { requiredClaims }),
    ...(toleranceSeconds === undefined ? {} : { toleranceSeconds }),
    ...(maxTokenAgeSeconds === undefined ? {} : { maxTokenAgeSeconds }),
  };
}

// Keys that are fetched stay as long as the way to them does; a file is read each time, for its content.
function takeKeySource(
  entry: IssuerConfig,
  index: number,
  config: GatewayConfig,
  network: Pick<TrustDependencies, 'clock' | 'fetch'>,
  take: Take,
): KeySource {
  const { issuer, algorithms, jwksUrl, discovery, allowInsecure, allowHosts, retentionSeconds } = entry;
  const make = (): KeySource => createKeySource(entry, index, config, network);
  if (jwksUrl === undefined && discovery === undefined) {
    const read = make();
    return take(['local keys', issuer, algorithms, read.id], () => read);
  }
  const way = { issuer, algorithms, jwksUrl, discovery, allowInsecure, allowHosts, retentionSeconds };
  return take(['fetched keys', way], make, (made) => {
    if (isRemote(made)) made.close();
  });
}

/** The keys of one issuer, from where the configuration says; fetches nothing yet. @throws ConfigError */
export function createKeySource(
  entry: IssuerConfig,
  index: number,
  config: GatewayConfig,
  network: Pick<TrustDependencies, 'clock' | 'fetch'> = {},
): KeySource {
  const { issuer, algorithms, jwksUrl, jwksFile, pemFile } = entry;
  const at = (name: string): ConfigPath => ['issuers', index, name];
  if (jwksFile !== undefined) {
    const text = readText(jwksFile, config, at('jwksFile'));
    return locating(config, at('jwksFile'), () => createLocalKeys({ issuer, algorithms, jwks: JSON.parse(text) }));
  }
  if (pemFile !== undefined) {
    const pem = readText(pemFile, config, at('pemFile'));
    const kid = entry.keyId === undefined ? {} : { kid: entry.keyId };
    return locating(config, at('pemFile'), () => createLocalKeys({ issuer, keys: [{ alg: algorithms[0]!, pem, ...kid }] }));
  }
  const where = jwksUrl === undefined ? { discovery: entry.discovery! } : { url: jwksUrl };
  return locating(config, at(jwksUrl === undefined ? 'discovery' : 'jwksUrl'), () =>
    createRemoteKeys({
      issuer,
      algorithms,
      ...where,
      ...hostsOf(entry),
      retentionMs: entry.retentionSeconds * 1000,
      ...network,
    }),
  );
}

function hostsOf({ allowInsecure, allowHosts }: IssuerConfig) {
  return { allowInsecure, ...(allowHosts === undefined ? {} : { allowHosts }) };
}

function createLists(
  entry: IssuerConfig,
  keys: KeySource,
  path: ConfigPath,
  config: GatewayConfig,
  network: Pick<TrustDependencies, 'clock' | 'fetch'>,
): StatusLists {
  const { issuer, algorithms, statusLists } = entry;
  return locating(config, path, () =>
    createStatusLists({ issuer, keys, algorithms, uris: statusLists!.uris, ...hostsOf(entry), ...network }),
  );
}

/** The key of the Txn-Tokens: from its file, or new. @throws ConfigError */
export function createTxnKey({ algorithm, keyFile, keyId }: TxnTokenConfig, config: GatewayConfig): SigningKey {
  if (keyFile === undefined) return generateSigningKey(algorithm);
  const path: ConfigPath = ['txnToken', 'keyFile'];
  const pem = readText(keyFile, config, path);
  return locating(config, path, () => createSigningKey({ alg: algorithm, pem, ...(keyId === undefined ? {} : { kid: keyId }) }));
}

function readText(file: string, config: GatewayConfig, path: ConfigPath): string {
  try {
    return readFileSync(resolve(baseDirectoryOf(config), file), 'utf8');
  } catch (cause) {
    throw configErrorAt(config, path, `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, cause);
  }
}

// What core refuses is reported at the setting that it came from. A parser's message may quote the file, so it is left out.
function locating<Result>(config: GatewayConfig, path: ConfigPath, build: () => Result): Result {
  try {
    return build();
  } catch (cause) {
    throw configErrorAt(config, path, cause instanceof SyntaxError ? 'is not JSON' : (cause as Error).message, cause);
  }
}
