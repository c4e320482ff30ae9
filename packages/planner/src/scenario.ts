/** A system as its owners describe it: who calls, what is called, what tokens are like, and which remedies are switched on. */
import type { Protocol, TokenAlgorithm } from './calibration.ts';

/** The seven ways out. `scaling`: more instances; `lightweight`: a small token; `async`: deferred verification; `http2`: with gRPC. */
export type Remedy = 'caching' | 'offloading' | 'scaling' | 'lightweight' | 'async' | 'http2' | 'analysis';
export const REMEDIES: readonly Remedy[] = Object.freeze([
  'scaling',
  'caching',
  'offloading',
  'lightweight',
  'http2',
  'async',
  'analysis',
]);

/**
 * How requests of one user find their way. `none`: any thread of any instance; `instance`: always the same instance, any thread of
 * it; `thread`: always the same thread.
 */
export type Affinity = 'none' | 'instance' | 'thread';
export const AFFINITIES: readonly Affinity[] = Object.freeze(['none', 'instance', 'thread']);

/** One service of the call graph. */
export interface Service {
  readonly name: string;
  /** Calls to other services that one request to this one causes, on average. No service may reach itself. */
  readonly calls: Readonly<Record<string, number>>;
  /** Processor time of its own work, tokens and the handling of the request not counted, in microseconds. */
  readonly workMicros: number;
  readonly instances: number;
  /** Threads of each instance, one core each. */
  readonly threads: number;
}

/** What a running gateway has measured. Rates and ratios are means over the time since its start, or between two looks. */
export interface Observed {
  /** The gateway that was asked. */
  readonly source: string;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Share of verifications that the cache answered. */
  readonly hitRatio: number;
  /** Verdicts in the caches. */
  readonly cacheEntries: number;
  readonly cacheBytes: number;
  /** Microseconds of one verification that a hit has saved; undefined: there were no hits. */
  readonly verifyMicros: number | undefined;
  readonly signatureChecksPerRequest: number;
  /** Share of Txn-Tokens that came from the reuse window. */
  readonly reuseRatio: number;
  /** Octets of fields and framing per request, bodies not counted. */
  readonly hops: readonly { readonly hop: string; readonly bytesPerRequest: number; readonly requestsPerSecond: number }[];
}

/** Everything that a plan depends on, besides unit costs. */
export interface Scenario {
  readonly name: string;
  /** How many there are now. The growth table has its own four. */
  readonly users: number;
  readonly requestsPerUserPerSecond: number;
  /** The first one is called by the edge. */
  readonly services: readonly Service[];
  /** The external token. */
  readonly token: { readonly bytes: number; readonly algorithm: TokenAlgorithm; readonly lifetimeSeconds: number };
  /** The one that the gateway mints for services, and for how long it hands out the same one. */
  readonly txnToken: { readonly bytes: number; readonly algorithm: TokenAlgorithm; readonly reuseSeconds: number };
  /** A user is busy for so long, then idle, both on average and exponentially distributed. Never idle: a steady stream. */
  readonly session: { readonly busySeconds: number; readonly idleSeconds: number };
  /** How unequal users are: the k-th busiest makes requests in proportion to `k ** -zipf`. 0: all alike. */
  readonly zipf: number;
  readonly gateway: { readonly instances: number; readonly threads: number };
  readonly affinity: Affinity;
  /**
   * Of each thread of the gateway and of the services. `shared`: threads of a machine share what signatures they have proven, in a table of
   * `sharedEntries` (`sharedTable.entries` of the gateway).
   */
  readonly cache: { readonly entries: number; readonly shared: boolean; readonly sharedEntries: number };
  readonly network: {
    /** What hops inside speak with the remedy `http2`. */
    readonly protocol: Protocol;
    /** What one network card carries, in Gbit/s. */
    readonly linkGbps: number;
    /** Connections between an instance and the next service. */
    readonly connections: number;
    /** Header table of each of them. The initial one is 4,096 octets (HP-1). */
    readonly tableBytes: number;
  };
  /** How much of the traffic may be verified later, and how far the peak is above the mean. */
  readonly async: { readonly share: number; readonly peakFactor: number };
  /** How full servers may get: at most this, and with the remedy `analysis` as full as `p99Ms` allows. */
  readonly limits: { readonly utilization: number; readonly p99Ms: number };
  readonly remedies: Readonly<Record<Remedy, boolean>>;
  readonly prices: { readonly currency: string; readonly cpuHour: number; readonly trafficGigabyte: number };
  /** One verification without cache, if it is known: replaces the calibration's. In microseconds. */
  readonly verifyMicros?: number;
  /** What a running gateway has measured. */
  readonly observed?: Observed;
}

/** The system of `npm start`: an edge and four services. All remedies on. */
export const DEFAULT_SCENARIO: Scenario = {
  name: 'default',
  users: 10_000,
  requestsPerUserPerSecond: 0.5,
  services: [
    { name: 'orders', calls: { inventory: 1, pricing: 1 }, workMicros: 0, instances: 1, threads: 2 },
    { name: 'inventory', calls: {}, workMicros: 0, instances: 1, threads: 2 },
    { name: 'pricing', calls: { tax: 1 }, workMicros: 0, instances: 1, threads: 2 },
    { name: 'tax', calls: {}, workMicros: 0, instances: 1, threads: 2 },
  ],
  token: { bytes: 1_400, algorithm: 'RS256', lifetimeSeconds: 600 },
  txnToken: { bytes: 393, algorithm: 'ES256', reuseSeconds: 30 },
  session: { busySeconds: 600, idleSeconds: 0 },
  zipf: 0.8,
  gateway: { instances: 1, threads: 2 },
  affinity: 'none',
  cache: { entries: 10_000, shared: true, sharedEntries: 131_072 },
  network: { protocol: 'http2', linkGbps: 10, connections: 1, tableBytes: 4_194_304 },
  async: { share: 0.2, peakFactor: 2 },
  limits: { utilization: 0.5, p99Ms: 10 },
  remedies: {
    scaling: true,
    caching: true,
    offloading: true,
    lightweight: true,
    http2: true,
    async: true,
    analysis: true,
  },
  prices: { currency: 'USD', cpuHour: 0.04, trafficGigabyte: 0.01 },
};
