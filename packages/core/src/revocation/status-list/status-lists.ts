/** The status lists of one issuer: fetched from where the program allows, kept through bad weather, asked at once from memory. */
import type { Clock } from '../../clock.ts';
import type { AlgorithmName } from '../../keys/algorithms.ts';
import type { Fetch } from '../../keys/fetch-jwks.ts';
import type { KeySource } from '../../keys/key-source.ts';
import type { Random, Schedule } from '../schedule.ts';
import { ListKeeper } from './list-keeper.ts';
import { readSettings } from './settings.ts';
import type { StatusReference } from './status-claim.ts';

/** Whose lists, from where, and how patient to be. Issuer, keys, algorithms and addresses have no default. */
export interface StatusListsOptions {
  /** The one issuer whose tokens these lists are about. */
  readonly issuer: string;
  /** Keys that sign its lists; they may be those that sign its tokens. */
  readonly keys: KeySource;
  /** Allow-list of signature algorithms (JB-1). */
  readonly algorithms: readonly AlgorithmName[];
  /**
   * Addresses of its lists, exactly as tokens name them. One that ends in `/`, or is an origin, stands for all below it. A token
   * that names any other address is refused, and nothing is fetched (C1).
   */
  readonly uris: readonly string[];
  /** Time limit of one fetch, at most 600000. Default 5000. */
  readonly timeoutMs?: number;
  /** Size limit of a Status List Token. Default 1048576. */
  readonly maxBytes?: number;
  /** Size limit of one list, decompressed. Default 8388608: 67 million tokens of one bit. */
  readonly maxListBytes?: number;
  /** Most lists kept; the one not used for longest makes place. Default 100. */
  readonly maxLists?: number;
  /** Memory for all lists. Default 67108864, at least `maxListBytes`. */
  readonly maxTotalBytes?: number;
  /** Fetches of lists not known yet, however many addresses tokens name. Refreshes are not counted. Default 60. */
  readonly maxFetchesPerMinute?: number;
  /** Least time between two fetches of one list, whatever the outcome; a `ttl` below 1.5 times this counts as that. Default 10000. */
  readonly cooldownMs?: number;
  /** Longest time between two fetches of a list in use: a longer `ttl`, or none, counts as this (SL-7). Default 300000. */
  readonly refreshMs?: number;
  /** Age at which a list is no longer trusted when it can't be fetched anew; its `exp` may end it before. Default 3600000. */
  readonly staleAfterMs?: number;
  /** Clock skew allowed for the `iat` of a list, in seconds. Its `exp` gets none. Default 5, at most 300. */
  readonly toleranceSeconds?: number;
  /** Addresses beyond the public internet that may be fetched from; see `RemoteKeysOptions.allowHosts` (C1). */
  readonly allowHosts?: readonly string[];
  /** Accept `http:` on loopback. Default false. */
  readonly allowInsecure?: boolean;
  /** In place of the built-in one. Must obey `redirect: 'manual'`, so that each hop can be checked. */
  readonly fetch?: Fetch;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  readonly random?: Random;
}

/** What is known of one status, and of the list that it stands in. */
export interface KnownStatus {
  /** undefined: no list is known, or the index lies beyond its end. */
  readonly status: number | undefined;
  /** Whether the list is known and may be trusted now. */
  readonly isFresh: boolean;
  /**
   * `current`: nothing to do. `due`: the list is to be fetched. `failing`: the same, and the last fetch failed.
   * `cooling`: the last fetch failed, and it is too early for another one.
   */
  readonly outlook: 'current' | 'due' | 'failing' | 'cooling';
}

/** Counters and gauges. */
export interface StatusListsStats {
  /** Lists known here, and their memory. */
  readonly lists: number;
  readonly bytes: number;
  readonly fetches: number;
  /** Fetches under way now. */
  readonly inFlight: number;
  readonly failures: number;
  /** Fetches that the budget did not allow. */
  readonly declined: number;
  readonly evictions: number;
  /** Age of the list that was fetched longest ago; 0 without any. */
  readonly oldestAgeMs: number;
  /** Why the last fetch that failed did so. Never a claim of a token. */
  readonly lastFailure: string | undefined;
}

/** The lists of one issuer. */
export interface StatusLists {
  readonly issuer: string;
  /** Whether a list may come from this address. */
  allows(uri: string): boolean;
  /** What is known now. Synchronous; it starts a fetch in the background where the last one failed, nothing else. */
  peek(reference: StatusReference): KnownStatus;
  /**
   * Fetches a list, unless that is forbidden, too early or too much; concurrent calls share one fetch. Resolves in any case:
   * `peek` tells what came of it.
   */
  refresh(uri: string): Promise<void>;
  stats(): StatusListsStats;
  /** Forgets the lists and fetches nothing more. */
  close(): void;
}

/** Builds them. Fetches nothing before a token asks for it, or `refresh` is called. @throws WatchwordError `config_invalid` */
export function createStatusLists(options: StatusListsOptions): StatusLists {
  return new ListKeeper(readSettings(options));
}
