/** Whom a configuration trusts: from its issuers to one verifier. Reads key files; opens no connection. */
import {
  type KeySource,
  type RemoteKeys,
  type SignatureChecks,
  type StatusLists,
  type TrustPolicyOptions,
  type Verifier,
  createStatusListVerifier,
  createStatusLists,
  createVerifier,
} from '@watchword/core';
import type { GatewayConfig, IssuerConfig } from '../config/config.ts';
import type { ConfigPath } from '../config/locate.ts';
import { type Take, takeNew } from '../reload/shelf.ts';
import { type Network, hostsOf, isRemote, takeKeySource } from './key-sources.ts';
import { locating } from './locating.ts';

/** What a program or a test may put in the place of the machine. */
export interface TrustDependencies extends Network {
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

function createLists(
  entry: IssuerConfig,
  keys: KeySource,
  path: ConfigPath,
  config: GatewayConfig,
  network: Network,
): StatusLists {
  const { issuer, algorithms, statusLists } = entry;
  return locating(config, path, () =>
    createStatusLists({ issuer, keys, algorithms, uris: statusLists!.uris, ...hostsOf(entry), ...network }),
  );
}
