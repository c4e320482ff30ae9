/** A store of signing keys in Redis 6.2 or newer: shared by all instances that see the server. */
import { randomUUID } from 'node:crypto';
import {
  type Schedule,
  type SigningKeyStore,
  type StoredKeySet,
  WatchwordError,
  assertConfig,
  systemSchedule,
} from '@watchword/core';
import type { RedisOptions } from 'ioredis';
import { Connection, type ConnectionSettings } from './connection.ts';

/** Where the keys are. */
export interface RedisSigningKeyStoreOptions {
  /** `redis:` or `rediss:` URL, or options of ioredis (TLS, credentials, Sentinel). */
  readonly server: string | RedisOptions;
  /** First part of the key name. Default `watchword:signing-keys`. One for each trust domain. */
  readonly prefix?: string;
  /** Time limit of one answer. Default 1000. */
  readonly timeoutMs?: number;
  readonly schedule?: Schedule;
}

/**
 * Makes a store; connects when it is used. What a crash or failover of the server loses, the instances give back. Their clocks are
 * compared with the server's.
 * @throws WatchwordError `config_invalid`
 */
export function createRedisSigningKeyStore(options: RedisSigningKeyStoreOptions): SigningKeyStore {
  assertConfig(typeof options === 'object' && options !== null, 'redisSigningKeys: must be an object');
  for (const [name, value] of Object.entries(options)) {
    assertConfig(['server', 'prefix', 'timeoutMs', 'schedule'].includes(name), `redisSigningKeys.${name}: unknown option`);
    assertConfig(value !== null, `redisSigningKeys.${name}: must not be null`);
  }
  const { server, prefix = 'watchword:signing-keys', timeoutMs = 1000, schedule = systemSchedule } = options;
  const isUrl = typeof server === 'string' && /^rediss?:\/\/./.test(server);
  assertConfig(isUrl || typeof server === 'object', 'redisSigningKeys.server: must be a redis URL or options');
  assertConfig(typeof prefix === 'string' && prefix !== '', 'redisSigningKeys.prefix: must be a non-empty string');
  const isTime = Number.isFinite(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 60_000;
  assertConfig(isTime, 'redisSigningKeys.timeoutMs: must be a number from 1 to 60000');
  assertConfig(typeof schedule === 'function', 'redisSigningKeys.schedule: must be a function');
  return new RedisSigningKeyStore({ server, timeoutMs, schedule }, `${prefix}:set`);
}

const NOW = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** Gives the time, and version and content if there are any. */
const LOAD = `${NOW}
  local found = redis.call('HMGET', KEYS[1], 'version', 'content')
  return { string.format('%.0f', now), found[1], found[2] }
`;

/**
 * ARGV: the version that was seen ('' for none), the next one, its content, last moment for it. That moment is what fences off a
 * command that a frozen server, or a slow network, held up for long.
 */
const REPLACE = `${NOW}
  if now > tonumber(ARGV[4]) then return 0 end
  if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'version', ARGV[2], 'content', ARGV[3])
  return 1
`;

class RedisSigningKeyStore implements SigningKeyStore {
  readonly isRemote = true;
  readonly #settings: ConnectionSettings;
  readonly #key: string;
  #connection: Connection | undefined;
  /** Shared by everybody who asks meanwhile. */
  #opening: Promise<Connection> | undefined;
  #isClosed = false;

  constructor(settings: ConnectionSettings, key: string) {
    this.#settings = settings;
    this.#key = key;
  }

  async load(): Promise<StoredKeySet> {
    const connection = await this.#connect();
    const answer = await connection.ask((redis) => redis.eval(LOAD, 1, this.#key));
    const [now, version, content] = answer as [string, string | null, string | null];
    const isThere = version !== null && content !== null;
    return { nowMs: Number(now), version: isThere ? version : undefined, content: isThere ? content : undefined };
  }

  async replace(content: string, version: string | undefined, notAfterMs: number): Promise<boolean> {
    const connection = await this.#connect();
    const facts = [version ?? '', randomUUID(), content, Math.floor(notAfterMs)];
    return (await connection.ask((redis) => redis.eval(REPLACE, 1, this.#key, ...facts))) === 1;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    this.#connection?.close();
  }

  async #connect(): Promise<Connection> {
    if (this.#isClosed) throw new WatchwordError('signing_unavailable', 'The store of signing keys is closed');
    if (this.#connection?.isOpen) return this.#connection;
    return (this.#opening ??= this.#open());
  }

  async #open(): Promise<Connection> {
    try {
      return (this.#connection = await Connection.open(this.#settings));
    } finally {
      this.#opening = undefined;
    }
  }
}
