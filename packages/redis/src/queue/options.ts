/** Options of a queue in Redis, checked. */
import process from 'node:process';
import { type Clock, type Schedule, assertConfig, systemClock, systemSchedule } from '@watchword/core';
import { type QueueLimits, readLimits } from '@watchword/deferred';
import type { RedisOptions } from 'ioredis';
import type { Durability } from './durability.ts';
import type { StoreSettings } from './store.ts';

/** Where the queue is, how much goes in, and what the server has to promise. */
export interface RedisQueueOptions {
  /** `redis:` or `rediss:` URL, or options of ioredis (TLS, credentials, Sentinel). */
  readonly server: string | RedisOptions;
  /** First part of the key names. Default `watchword:deferred`. */
  readonly prefix?: string;
  /** The same for all that share the queue. */
  readonly limits?: QueueLimits;
  /** How long outcomes and idempotency keys are kept after the end. Default 24 hours. */
  readonly outcomesKeptMs?: number;
  /** How often a claim that waits looks for what other processes have accepted. Default 50. */
  readonly pollMs?: number;
  /** Time limit of one answer; twice it and the time to connect where a connection has to be made first. Default 2000. */
  readonly timeoutMs?: number;
  /**
   * What to do about a server that may lose what it has acknowledged: any but `appendonly yes`, `appendfsync always`,
   * `no-appendfsync-on-rewrite no` and `maxmemory-policy noeviction`. It is looked at with each new connection, and each minute.
   * `require` (the default): nothing is accepted, `queue_unavailable`. `warn`: it is used after a warning.
   */
  readonly durability?: Durability;
  /** Is told what `durability: 'warn'` lets pass. Default: a warning of the process. */
  readonly onWarning?: (warning: string) => void;
  /** How many replicas must have a change before it is acknowledged (WAIT). Default 0. */
  readonly replicas?: number;
  /** The clock of acceptance, leases and outcomes. The server's own takes no part in them. */
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/** Options with their defaults. */
export interface QueueSettings extends StoreSettings {
  readonly limits: Required<QueueLimits>;
  readonly pollMs: number;
}

const OPTIONS = [
  ...(['server', 'prefix', 'limits', 'outcomesKeptMs', 'pollMs', 'timeoutMs', 'durability'] as const),
  ...(['onWarning', 'replicas', 'clock', 'schedule'] as const),
] as const;

/** @throws WatchwordError `config_invalid` */
export function readQueueOptions(options: RedisQueueOptions): QueueSettings {
  assertConfig(typeof options === 'object' && options !== null, 'redisQueue: must be an object');
  for (const [name, value] of Object.entries(options)) {
    assertConfig(OPTIONS.includes(name as (typeof OPTIONS)[number]), `redisQueue.${name}: unknown option`);
    assertConfig(value !== null, `redisQueue.${name}: must not be null`);
  }
  const { server, prefix = 'watchword:deferred', durability = 'require', onWarning = warn } = options;
  const { clock = systemClock, schedule = systemSchedule } = options;
  const isUrl = typeof server === 'string' && URL.canParse(server) && /^rediss?:$/.test(new URL(server).protocol);
  assertConfig(isUrl || typeof server === 'object', 'redisQueue.server: must be a redis: or rediss: URL, or options');
  assertConfig(typeof prefix === 'string' && /^[^{}]+$/.test(prefix), 'redisQueue.prefix: must be text without braces');
  assertConfig(['require', 'warn'].includes(durability), 'redisQueue.durability: must be require or warn');
  for (const [name, value] of Object.entries({ onWarning, clock, schedule })) {
    assertConfig(typeof value === 'function', `redisQueue.${name}: must be a function`);
  }
  return {
    server,
    prefix,
    limits: readLimits(options.limits, 'redisQueue.limits'),
    outcomesKeptMs: wholeNumber(options.outcomesKeptMs ?? 86_400_000, 1000, 30 * 86_400_000, 'outcomesKeptMs'),
    pollMs: wholeNumber(options.pollMs ?? 50, 1, 60_000, 'pollMs'),
    timeoutMs: wholeNumber(options.timeoutMs ?? 2000, 1, 60_000, 'timeoutMs'),
    replicas: wholeNumber(options.replicas ?? 0, 0, 100, 'replicas'),
    durability,
    onWarning,
    clock,
    schedule,
  };
}

function warn(warning: string): void {
  process.emitWarning(warning, 'WatchwordWarning');
}

function wholeNumber(value: unknown, least: number, most: number, name: string): number {
  const isGood = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
  assertConfig(isGood, `redisQueue.${name}: must be a whole number from ${least} to ${most}`);
  return value;
}
