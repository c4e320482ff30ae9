/** The published keys of one issuer, fetched from its JWK Set and kept through bad weather. */
import type { Clock } from '../clock.ts';
import type { Random, Schedule } from '../revocation/schedule.ts';
import type { Fetch } from './fetch-jwks.ts';
import { FetchedKeys } from './fetched-keys.ts';
import type { KeySource } from './key-source.ts';
import { readRemoteSettings } from './remote-settings.ts';

/** Which metadata document names the JWK Set: OpenID Connect Discovery 1.0, or RFC 8414. */
export type Discovery = 'oidc' | 'oauth';

/** One issuer, where its keys are, and how patient to be with it. */
export interface RemoteKeysOptions {
  /** The one issuer that these keys belong to (JB-9). With `discovery` an `https:` address, exactly as the issuer writes itself. */
  readonly issuer: string;
  /** Address of the JWK Set; or give `discovery`. From configuration only: nothing in a token leads to a fetch (C1, JB-11). */
  readonly url?: string;
  /**
   * Find the JWK Set through the issuer's metadata: `oidc` adds `/.well-known/openid-configuration` to the issuer, `oauth` puts
   * `/.well-known/oauth-authorization-server` before its path (RFC 8414 section 3.1). `issuer` in it must equal the configured one.
   */
  readonly discovery?: Discovery;
  /** The allow-list of the issuer: keys for other algorithms are passed over. */
  readonly algorithms: readonly string[];
  /** Time limit of one fetch, at most 600000. Default 5000. */
  readonly timeoutMs?: number;
  /** Size limit of the answer, decompressed. Default 524288. */
  readonly maxBytes?: number;
  /**
   * Least time between two fetches that nobody asked for by `refresh()`; twice as long after one that failed. Default 15000, so at
   * most 2 in 30 s (C2), and 1 in 30 s while the issuer is out of order (S13).
   */
  readonly cooldownMs?: number;
  /**
   * Longest time between two good fetches: up to a tenth less, so that a fleet does not fetch in step. What the issuer withdraws
   * stops verifying within `refreshMs` + `timeoutMs` (twice `timeoutMs` with `discovery`), asked for or not. Default 300000.
   */
  readonly refreshMs?: number;
  /** Age at which keys are no longer trusted when the issuer can't be reached. At least `refreshMs`. Default 3600000. */
  readonly maxAgeMs?: number;
  /**
   * How long a key that is gone from the set stays trusted, for issuers that remove keys too early (C6). 0, the default: not at
   * all. It also delays a withdrawal on purpose. Only keys with a key id, and never one whose key id got another key.
   */
  readonly retentionMs?: number;
  /**
   * Addresses beyond the public internet that may be fetched from: host names, IP addresses and CIDR blocks (C1). A name stands for
   * wherever it resolves to. Without it private, loopback, link-local and metadata addresses are refused, also as what a
   * public name resolves to. Default none.
   */
  readonly allowHosts?: readonly string[];
  /** Accept `http:`, and loopback addresses: there, and at `allowHosts`, but nowhere else. Default false. */
  readonly allowInsecure?: boolean;
  /**
   * In place of the built-in one, which checks each address that a name resolves to and uses no proxy. With another one only
   * addresses that stand in the URL are checked. Must not follow redirects where `init.redirect` is `error`.
   */
  readonly fetch?: Fetch;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  readonly random?: Random;
}

/** Counters and gauges of one source. */
export interface RemoteKeysStats {
  /** Attempts to fetch, each of at most one metadata document and one JWK Set. */
  readonly fetches: number;
  /** Attempts that gave no keys. */
  readonly failures: number;
  /** Why the last attempt failed; undefined if it did not. Names the address, so not for a metric label. */
  readonly lastFailure: string | undefined;
  /** Age of the keys in milliseconds; Infinity before the first fetch. */
  readonly ageMs: number;
  /** Keys in the set, without retained ones. */
  readonly keys: number;
  /** Keys that are trusted only for their retention window. */
  readonly retained: number;
  /** Keys that vanished while in use: alarms raised (C6). */
  readonly vanished: number;
}

/** A key source that fetches. From the first fetch on it refreshes itself, until it is closed. */
export interface RemoteKeys extends KeySource {
  /** Tells of keys that the issuer withdrew or replaced, once they are out of force and their retention is over. */
  onRemoval: NonNullable<KeySource['onRemoval']>;
  /** Resolves once keys are there; fetches if none are. @throws WatchwordError `keys_unavailable` */
  ready(): Promise<void>;
  /** Fetches now, cool-down or not; concurrent calls share one fetch. @throws WatchwordError `keys_unavailable` */
  refresh(): Promise<void>;
  /** Age of the keys in milliseconds; Infinity before the first fetch. */
  ageMs(): number;
  stats(): RemoteKeysStats;
  /** Ends the background refresh; nothing is fetched any more. Known keys stay good until `maxAgeMs`. */
  close(): void;
}

/** Builds a remote key source. Fetches nothing before it is asked. @throws WatchwordError `config_invalid` */
export function createRemoteKeys(options: RemoteKeysOptions): RemoteKeys {
  return new FetchedKeys(readRemoteSettings(options));
}
