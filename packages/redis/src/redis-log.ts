/** A revocation log in Redis 6.2 or newer: shared by all machines that see the server. */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type Random,
  type Revocation,
  type RevocationFollower,
  type RevocationListener,
  type RevocationLog,
  type Schedule,
  WatchwordError,
  assertConfig,
  encodeRevocation,
  readRevocation,
  systemClock,
  systemSchedule,
} from '@watchword/core';
import type { RedisOptions } from 'ioredis';
import { Connection } from './connection.ts';
import { type FollowerSettings, RedisFollower } from './follower.ts';
import { APPEND, keysOf } from './scripts.ts';

/** Where the log is, and how patient to be with it. */
export interface RedisRevocationLogOptions {
  /** `redis:` or `rediss:` URL, or options of ioredis (TLS, credentials, Sentinel). */
  readonly server: string | RedisOptions;
  /** First part of the key names. Default `watchword:revocation`. */
  readonly prefix?: string;
  /** Longest time between two looks at the server by a follower; freshness is never better than this. Default 500. */
  readonly heartbeatMs?: number;
  /** Time limit of one answer. Default 1000. */
  readonly timeoutMs?: number;
  /** Entries kept in the stream; whoever falls farther behind takes a snapshot. Default 10000. */
  readonly streamLength?: number;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  readonly random?: Random;
}

/**
 * Makes a log; connects when it is used. How durable an append is, is the server's to decide (`appendonly`, `appendfsync`). What a
 * crash or failover loses in spite of that, the followers' `Revocations` append again.
 * @throws WatchwordError `config_invalid`
 */
export function createRedisRevocationLog(options: RedisRevocationLogOptions): RevocationLog {
  return new RedisRevocationLog(readOptions(options));
}

interface Settings extends FollowerSettings {
  readonly streamLength: number;
}

/** Expired revocations stay a little, so that clocks that differ bring no token back. */
const FORGET_AFTER_MS = 300_000;

/** Appends under way at once: more would only wait in the socket, while their time to be answered runs. */
const BATCH = 100;

interface Waiting {
  readonly revocation: Revocation;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class RedisRevocationLog implements RevocationLog {
  readonly #settings: Settings;
  readonly #followers = new Set<RevocationFollower>();
  #waiting: Waiting[] = [];
  #flush: Promise<void> | undefined;
  #connection: Connection | undefined;
  #isClosed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async append(revocation: Revocation): Promise<void> {
    const checked = readRevocation(revocation);
    if (this.#isClosed) throw new WatchwordError('revocation_unavailable', 'The revocation log is closed');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ revocation: checked, resolve, reject });
    this.#flush ??= this.#appendWaiting();
    await promise;
  }

  follow(listener: RevocationListener): RevocationFollower {
    const follower: RevocationFollower = new RedisFollower(this.#settings, listener, () => this.#followers.delete(follower));
    this.#followers.add(follower);
    return follower;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const follower of this.#followers) follower.close();
    await this.#flush;
    this.#connection?.close();
  }

  async #appendWaiting(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        const connection = await this.#connect();
        await Promise.all(batch.map((one) => this.#store(connection, one.revocation).then(one.resolve)));
      } catch (cause) {
        // One failure ends the connection. Whoever waits shouldn't wait for another one to fail, too.
        const error = new WatchwordError('revocation_unavailable', 'The revocation could not be stored', { cause });
        for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#flush = undefined;
  }

  async #store(connection: Connection, revocation: Revocation): Promise<void> {
    const { keys, streamLength } = this.#settings;
    const facts = [randomUUID(), encodeRevocation(revocation), revocation.expiresAtMs, streamLength, FORGET_AFTER_MS];
    await connection.ask((redis) => redis.eval(APPEND, keys.length, ...keys, ...facts));
  }

  async #connect(): Promise<Connection> {
    if (this.#connection?.isOpen !== true) this.#connection = await Connection.open(this.#settings);
    return this.#connection;
  }
}

const OPTIONS = new Set(['server', 'prefix', 'heartbeatMs', 'timeoutMs', 'streamLength', 'clock', 'schedule', 'random']);

function readOptions(options: RedisRevocationLogOptions): Settings {
  assertConfig(typeof options === 'object' && options !== null, 'redisLog: must be an object');
  for (const [name, value] of Object.entries(options)) {
    assertConfig(OPTIONS.has(name), `redisLog.${name}: unknown option`);
    assertConfig(value !== null, `redisLog.${name}: must not be null`);
  }
  const {
    server,
    prefix = 'watchword:revocation',
    clock = systemClock,
    schedule = systemSchedule,
    random = Math.random,
  } = options;
  const isUrl = typeof server === 'string' && URL.canParse(server) && /^rediss?:$/.test(new URL(server).protocol);
  assertConfig(
    isUrl || (typeof server === 'object' && server !== null),
    'redisLog.server: must be a redis: or rediss: URL, or options',
  );
  assertConfig(typeof prefix === 'string' && /^[^{}]+$/.test(prefix), 'redisLog.prefix: must be text without braces');
  for (const [name, value] of Object.entries({ clock, schedule, random })) {
    assertConfig(typeof value === 'function', `redisLog.${name}: must be a function`);
  }
  return {
    server,
    keys: keysOf(prefix),
    heartbeatMs: wholeNumber(options.heartbeatMs ?? 500, 60_000, 'heartbeatMs'),
    timeoutMs: wholeNumber(options.timeoutMs ?? 1000, 60_000, 'timeoutMs'),
    streamLength: wholeNumber(options.streamLength ?? 10_000, 10_000_000, 'streamLength'),
    clock,
    schedule,
    random,
  };
}

function wholeNumber(value: unknown, most: number, name: string): number {
  const isGood = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
  assertConfig(isGood, `redisLog.${name}: must be a whole number from 1 to ${most}`);
  return value;
}
