/** A ledger of spent one-time tokens in Redis 6.2 or newer: shared by all machines that see the server. */
import {
  type Clock,
  type Schedule,
  type SpentTokens,
  WatchwordError,
  assertConfig,
  readClock,
  systemClock,
  systemSchedule,
} from '@watchword/core';
import type { RedisOptions } from 'ioredis';
import { Connection, type ConnectionSettings } from './connection.ts';

/** Where the ledger is. */
export interface RedisSpentTokensOptions {
  /** `redis:` or `rediss:` URL, or options of ioredis (TLS, credentials, Sentinel). */
  readonly server: string | RedisOptions;
  /** First part of the key names. Default `watchword:spent`. */
  readonly prefix?: string;
  /** Time limit of one answer; after it the token is refused with 503. Default 1000. */
  readonly timeoutMs?: number;
  /** The clock that the end of a note is told by. The server's own takes no part. */
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/**
 * Makes a ledger; connects when it is used. What a crash or failover of the server loses can be used once more: run it with
 * `appendonly yes` and `appendfsync always` where that matters.
 * @throws WatchwordError `config_invalid`
 */
export function createRedisSpentTokens(options: RedisSpentTokensOptions): SpentTokens {
  for (const name of Object.keys(options)) {
    assertConfig(['server', 'prefix', 'timeoutMs', 'clock', 'schedule'].includes(name), `spentTokens.${name}: unknown option`);
  }
  const { server, prefix = 'watchword:spent', timeoutMs = 1000, clock = systemClock, schedule = systemSchedule } = options;
  const isUrl = typeof server === 'string' && /^rediss?:\/\/./.test(server);
  assertConfig(isUrl || (typeof server === 'object' && server !== null), 'spentTokens.server: must be a redis URL or options');
  assertConfig(typeof prefix === 'string' && prefix !== '', 'spentTokens.prefix: must be a non-empty string');
  assertConfig(Number.isFinite(timeoutMs) && timeoutMs > 0, 'spentTokens.timeoutMs: must be a finite number above 0');
  assertConfig(typeof clock === 'function', 'spentTokens.clock: must be a function');
  return new RedisSpentTokens({ server, timeoutMs, schedule }, prefix, clock);
}

class RedisSpentTokens implements SpentTokens {
  readonly #settings: ConnectionSettings;
  readonly #prefix: string;
  readonly #clock: Clock;
  #connection: Connection | undefined;
  /** Shared by everybody who asks meanwhile. */
  #opening: Promise<Connection> | undefined;
  #isClosed = false;

  constructor(settings: ConnectionSettings, prefix: string, clock: Clock) {
    this.#settings = settings;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  async spend(id: string, keepUntilMs: number): Promise<boolean> {
    const connection = await this.#connect();
    // For how long and not until when: to a server whose clock is ahead the note would be old at once, and the token new again.
    const keepMs = Math.max(1000, Math.ceil(keepUntilMs - readClock(this.#clock)));
    // One command, so that of two callers only one can be the first.
    const answer = await connection.ask((redis) => redis.set(`${this.#prefix}:${id}`, '1', 'PX', keepMs, 'NX'));
    return answer === 'OK';
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    this.#connection?.close();
  }

  async #connect(): Promise<Connection> {
    if (this.#isClosed) throw new WatchwordError('replay_unavailable', 'The ledger of spent tokens is closed');
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
