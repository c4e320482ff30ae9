/** The options of an exchange client, checked once. */
import { type Clock, type Schedule, assertConfig, systemClock, systemSchedule } from '@watchword/core';

/** How the client proves who it is. With neither secret nor assertion: by the certificate that `fetch` shows. */
export interface ExchangeCredentials {
  readonly clientId: string;
  readonly secret?: string;
  /** Makes a client assertion (RFC 7523), a new one for each call: each is good once. */
  readonly assertion?: () => string | Promise<string>;
}

/** Options of `createExchangeClient`. */
export interface ExchangeClientOptions {
  /** `watchword_batch_exchange_endpoint` of the metadata of the token service. https, or this machine (TT-20). */
  readonly endpoint: string;
  /** The trust domain. */
  readonly audience: string;
  readonly credentials: ExchangeCredentials;
  /** Time for which the first of a batch waits for others. 0: for the others of the same turn of the event loop. Default 2. */
  readonly waitMs?: number;
  /** Exchanges in one call, 1 to 1000. Default 100. */
  readonly maxBatch?: number;
  /** Calls at a time. Default 4. */
  readonly maxInFlight?: number;
  /** Exchanges that wait for a call; one more is refused. Default 10000. */
  readonly maxQueued?: number;
  /** Time for one call, its retries included; an exchange that waited for as long is not sent any more. Default 2000. */
  readonly timeoutMs?: number;
  /** How often a call is tried again that was not answered, or answered with 503. Safe: an exchange changes nothing. Default 1. */
  readonly retries?: number;
  /**
   * Seconds for which an equal exchange gets the token that is there, 0 to 30. For as long a revoked subject token still gets one.
   * Default 0: never.
   */
  readonly reuseWindowSeconds?: number;
  /** Tokens kept for that. Default 1000. */
  readonly maxRemembered?: number;
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/** The same, complete. */
export type ExchangeSettings = Required<ExchangeClientOptions>;

const RANGES = {
  waitMs: [2, 0, 100],
  maxBatch: [100, 1, 1000],
  maxInFlight: [4, 1, 64],
  maxQueued: [10_000, 1, 1_000_000],
  timeoutMs: [2000, 1, 60_000],
  retries: [1, 0, 3],
  reuseWindowSeconds: [0, 0, 30],
  maxRemembered: [1000, 1, 1_000_000],
} as const;
const OTHERS: ReadonlySet<string> = new Set(['endpoint', 'audience', 'credentials', 'fetch', 'clock', 'schedule']);

/** Checks them and fills in the defaults. @throws WatchwordError `config_invalid` naming the option */
export function readExchangeOptions(options: ExchangeClientOptions): ExchangeSettings {
  for (const name of Object.keys(options)) {
    assertConfig(Object.hasOwn(RANGES, name) || OTHERS.has(name), `exchange.${name}: unknown option`);
  }
  const { endpoint, audience, credentials, clock = systemClock, schedule = systemSchedule } = options;
  const { fetch = globalThis.fetch } = options;
  assertConfig(isSafe(endpoint), 'exchange.endpoint: must be an https: URL, or one on this machine (TT-20)');
  assertConfig(typeof audience === 'string' && audience !== '', 'exchange.audience: must be a non-empty string');
  const { clientId, secret, assertion } = credentials ?? {};
  assertConfig(typeof clientId === 'string' && clientId !== '', 'exchange.credentials.clientId: must be a non-empty string');
  assertConfig(secret === undefined || assertion === undefined, 'exchange.credentials: give secret or assertion, not both');
  for (const made of [fetch, clock, schedule])
    assertConfig(typeof made === 'function', 'exchange: fetch, clock and schedule are functions');
  return Object.freeze({ endpoint, audience, credentials, fetch, clock, schedule, ...readRanges(options) });
}

function readRanges(options: ExchangeClientOptions): Record<keyof typeof RANGES, number> {
  const read: Record<string, number> = {};
  for (const [name, [normal, least, most]] of Object.entries(RANGES)) {
    const value: unknown = options[name as keyof typeof RANGES] ?? normal;
    const isGood = typeof value === 'number' && value >= least && value <= most;
    assertConfig(isGood, `exchange.${name}: must be a number from ${least} to ${most}`);
    read[name] = value;
  }
  return read as Record<keyof typeof RANGES, number>;
}

function isSafe(endpoint: unknown): boolean {
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null;
  if (url === null || url.username !== '' || url.password !== '') return false;
  const isHere = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isHere);
}
