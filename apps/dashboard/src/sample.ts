/** What a gateway said about itself at one moment: plain data, the same in the server and in the page. */

/** Counters count from the start of the gateway. */
export interface Sample {
  readonly atMs: number;
  /** What `/readyz` said: `ready`, `draining`, `keys_unavailable`, ... */
  readonly readiness: string;
  /** Whether it takes requests of clients; a service behind it says only what its verifications cost. */
  readonly isEdge: boolean;
  readonly requests: number;
  /** By class: `2xx`, `4xx`, ... */
  readonly statuses: Readonly<Record<string, number>>;
  /** Refusals and failures by error code. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly durations: Durations;
  readonly signatureChecks: number;
  /** undefined: this gateway has no cache. */
  readonly cache: CacheSample | undefined;
  /** Tokens refused because their signature was known to be bad. */
  readonly knownBadHits: number;
  readonly minted: number;
  readonly reused: number;
  /** Txn-Tokens that clients sent and that were removed. */
  readonly removed: number;
  readonly queue: QueueSample;
  /** `clients` first. */
  readonly hops: readonly HopSample[];
  readonly upstreams: readonly UpstreamSample[];
  readonly issuers: readonly IssuerSample[];
  readonly signingKeys: SigningKeySample | undefined;
  readonly revocation: RevocationSample | undefined;
  /** Public keys of its Txn-Tokens. */
  readonly publishedKeys: readonly { readonly kid: string; readonly algorithm: string }[];
}

/** A histogram, cumulated. The last bucket has no upper bound. */
export interface Durations {
  /** Upper bounds in seconds. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** The verification cache. */
export interface CacheSample {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Time that hits have saved, estimated by the gateway. */
  readonly savedSeconds: number;
  readonly entries: number;
  readonly bytes: number;
}

/** What is under way and what waits. */
export interface QueueSample {
  readonly running: number;
  readonly streams: number;
  /** Signature checks in the thread pool, and those that wait for it. */
  readonly checksRunning: number;
  readonly checksWaiting: number;
  /** Signature checks that were refused because too many waited. A counter. */
  readonly checksShed: number;
}

/** Octets on the connections of a hop. */
export interface HopSample {
  readonly hop: string;
  readonly requests: number;
  /** Bodies not included: header fields and framing. */
  readonly bytes: number;
  readonly bodyBytes: number;
}

/** An upstream and its targets. */
export interface UpstreamSample {
  readonly name: string;
  readonly waiting: number;
  readonly targets: readonly TargetSample[];
}

/** One target of an upstream. */
export interface TargetSample {
  readonly inFlight: number;
  readonly healthy: boolean;
  /** Left alone because of its failures. */
  readonly ejected: boolean;
  readonly failures: number;
  readonly retries: number;
}

/** The keys of an issuer, as this gateway knows them. */
export interface IssuerSample {
  readonly issuer: string;
  /** undefined: never fetched. */
  readonly ageSeconds: number | undefined;
  readonly keys: number;
  readonly retained: number;
  readonly failures: number;
}

/** The keys that sign Txn-Tokens. */
export interface SigningKeySample {
  readonly ageSeconds: number | undefined;
  /** Below 0: late. */
  readonly nextRotationSeconds: number | undefined;
  readonly storeReachable: boolean;
}

/** Revocations known here. */
export interface RevocationSample {
  /** Since they were last known to be complete; undefined: never. */
  readonly lagSeconds: number | undefined;
  readonly entries: number;
  /** In force here, not yet in the log. */
  readonly owed: number;
  readonly failures: number;
}
