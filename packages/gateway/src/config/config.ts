/** The configuration of a gateway after validation: complete, defaults filled in, deeply frozen. */
import type { AlgorithmName } from '@watchword/core';
import type { DecisionServiceConfig } from './sections/decision-service.ts';
import type { ControlConfig } from './sections/control.ts';
import type { EdgeListenConfig } from './sections/listen.ts';
import type { DeferredConfig, RouteDeferralConfig } from './sections/deferred.ts';
import type { PossessionConfig } from './sections/possession.ts';
import type { SigningKeysConfig } from './sections/signing-keys.ts';
import type { RouteStreamsConfig } from './sections/route-streams.ts';
import type { UpstreamConfig } from './sections/upstreams.ts';

export type { UpstreamConfig } from './sections/upstreams.ts';
import type { TokenServiceConfig } from './sections/token-service.ts';

/** What external tokens and Txn-Tokens may be signed with: whoever verifies them must not be able to make them. */
export type EdgeAlgorithm = Exclude<AlgorithmName, 'HS256' | 'HS384' | 'HS512'>;

/** An address to listen on. */
export interface ListenConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Which of an issuer's tokens its Token Status Lists are asked about, and where those are. */
export interface StatusListsConfig {
  /** Addresses that tokens may name; one that ends in `/` stands for all below it. */
  readonly uris: readonly string[];
  /** What to do with good tokens whose list can't be had. */
  readonly whenStale: 'refuse' | 'accept';
  /** Whether a token must name a list. */
  readonly required: boolean;
}

/** One trusted issuer of external tokens. Exactly one of `jwksUrl`, `discovery`, `jwksFile` and `pemFile` is given. */
export interface IssuerConfig {
  readonly issuer: string;
  readonly audience: string | readonly string[];
  readonly algorithms: readonly EdgeAlgorithm[];
  readonly jwksUrl?: string | undefined;
  /** Find `jwksUrl` through the metadata of the issuer: OpenID Connect Discovery, or RFC 8414. */
  readonly discovery?: 'oidc' | 'oauth' | undefined;
  readonly jwksFile?: string | undefined;
  readonly pemFile?: string | undefined;
  /** Key id that tokens name for the key in `pemFile`. */
  readonly keyId?: string | undefined;
  /** Accepted `typ` values; null stands for a token without one. */
  readonly tokenTypes?: readonly (string | null)[] | undefined;
  readonly requiredClaims?: readonly string[] | undefined;
  readonly toleranceSeconds?: number | undefined;
  readonly maxTokenAgeSeconds?: number | undefined;
  /** Allows `http:` and loopback for what is fetched. */
  readonly allowInsecure: boolean;
  /** Addresses beyond the public internet that may be fetched from: names, IP addresses, CIDR blocks. */
  readonly allowHosts?: readonly string[] | undefined;
  /** How long a key that vanished from the issuer's set stays trusted. */
  readonly retentionSeconds: number;
  readonly statusLists?: StatusListsConfig | undefined;
}

/** The tokens that travel inside. */
export interface TxnTokenConfig {
  readonly trustDomain: string;
  readonly requestingWorkload: string;
  readonly algorithm: EdgeAlgorithm;
  /** Private key in PEM; undefined: a key made at start, for one process. */
  readonly keyFile?: string | undefined;
  readonly keyId?: string | undefined;
  /** Keys that rotate, in place of `keyFile`. */
  readonly keys?: SigningKeysConfig | undefined;
  readonly lifetimeSeconds: number;
  /** How long one minted token may serve further requests of the same caller; 0: never. Default 30, or half a shorter lifetime. */
  readonly reuseWindowSeconds?: number | undefined;
  /** Name in the Txn-Token to name in the external token. */
  readonly claims: Readonly<Record<string, string>>;
}

/** How current the revocations must be, where a route or the file says it. */
export interface FreshnessConfig {
  /** Greatest age of what is known about revocations. */
  readonly staleAfterMs?: number | undefined;
  /** What to do with good tokens beyond it. */
  readonly whenStale?: 'refuse' | 'accept' | undefined;
}

/** Where revocations are kept. Exactly one of `sqlite`, `redis` and `memory` is given. */
export interface RevocationLogConfig {
  /** File on a local file system, for the processes of one machine. */
  readonly sqlite?: string | undefined;
  /** URL of a Redis server, for several machines. Without a password. */
  readonly redis?: string | undefined;
  /** File with the password of the Redis server. */
  readonly passwordFile?: string | undefined;
  /** First part of the key names in Redis. */
  readonly prefix?: string | undefined;
  /** For one process; nothing survives it. */
  readonly memory?: true | undefined;
}

/** Which tokens are no longer good, and how sure of it one must be. */
export interface RevocationConfig {
  readonly log: RevocationLogConfig;
  readonly staleAfterMs: number;
  readonly whenStale: 'refuse' | 'accept';
}

/** One entry of the allow-list. */
export interface RouteConfig extends RouteStreamsConfig, RouteDeferralConfig {
  readonly path: string;
  readonly host?: string | undefined;
  readonly methods?: readonly string[] | undefined;
  /** Name of the upstream; undefined: decided here, forwarded by another proxy. */
  readonly upstream?: string | undefined;
  readonly public: boolean;
  readonly scopes?: readonly string[] | undefined;
  readonly reuse: 'window' | 'per-request';
  /** What differs from the section `revocation` for this route. */
  readonly revocation?: FreshnessConfig | undefined;
}

/** What a client may use up. */
export interface LimitsConfig {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly tokenBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Longest time that a client may take nothing of an answer that is there for it. */
  readonly stallTimeoutMs: number;
  /** Open client connections, per thread. */
  readonly connections: number;
  /** Requests at a time, per thread. */
  readonly concurrentRequests: number;
  /** How long `/readyz` says `draining` before connections are turned away. */
  readonly drainDelayMs: number;
  readonly shutdownTimeoutMs: number;
}

/** The memory that threads share. */
export interface SharedTableConfig {
  /** Tokens that have a place, at 56 bytes each. 0: nothing is shared. */
  readonly entries: number;
}

/** How signatures are checked when many have to be at a time. */
export interface VerificationConfig {
  /** Whether bursts of checks leave the thread that serves. */
  readonly adaptive: boolean;
  /** Most checks that wait; one more is refused with 503. */
  readonly maxWaiting: number;
  /** Longest time that one may wait when more come for long than are made; beyond it 503. */
  readonly maxWaitMs: number;
  /** Time that a burst after a quiet time has until all of it is answered. */
  readonly burstMs: number;
}

/** The whole file. */
export interface GatewayConfig {
  readonly listen: EdgeListenConfig;
  readonly control: ControlConfig;
  readonly issuers: readonly IssuerConfig[];
  readonly txnToken?: TxnTokenConfig | undefined;
  readonly cache: { readonly maxEntries: number; readonly maxBytes?: number | undefined };
  readonly verification: VerificationConfig;
  readonly revocation?: RevocationConfig | undefined;
  /** Undefined: tokens that are bound to their sender are refused. */
  readonly possession?: PossessionConfig | undefined;
  readonly decisionService?: DecisionServiceConfig | undefined;
  /** Undefined: no route is deferred. */
  readonly deferred?: DeferredConfig | undefined;
  /** Threads that serve, all on one port. What `cache` and `upstreams` say is for each of them. */
  readonly threads: number;
  /** Peers whose X-Forwarded-* and Forwarded are believed: IP addresses and CIDR blocks. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Whether a change of the file is put in force by itself. */
  readonly watch: boolean;
  /** What the threads tell each other of signatures they have checked. Default: on with more than one thread. */
  readonly sharedTable?: SharedTableConfig | undefined;
  readonly tokenService?: TokenServiceConfig | undefined;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly routes: readonly RouteConfig[];
  readonly limits: LimitsConfig;
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' };
}
