/** One connection that breaks instead of waiting: whoever uses it decides when to try again. */
import { type Schedule, WatchwordError } from '@watchword/core';
import { Redis, type RedisOptions } from 'ioredis';

/** Where the server is, and how long it may take to answer. */
export interface ConnectionSettings {
  /** URL, or options of ioredis (TLS, credentials, Sentinel). */
  readonly server: string | RedisOptions;
  readonly timeoutMs: number;
  readonly schedule: Schedule;
}

// Waiting queues and silent retries would hide how old an answer is.
const PLAIN: RedisOptions & { replyMapping: 'legacy' } = {
  lazyConnect: true,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  disableClientInfo: true,
  protocol: 2,
  replyMapping: 'legacy',
};

/** An open connection. Any failure ends it. */
export class Connection {
  readonly #redis: Redis;
  readonly #settings: ConnectionSettings;
  #isClosed = false;

  private constructor(redis: Redis, settings: ConnectionSettings) {
    this.#redis = redis;
    this.#settings = settings;
  }

  /** Connects. @throws what ioredis throws, or `revocation_unavailable` when it takes too long */
  static async open(settings: ConnectionSettings): Promise<Connection> {
    const { server, timeoutMs } = settings;
    const own = { ...PLAIN, connectTimeout: timeoutMs };
    const redis = typeof server === 'string' ? new Redis(server, own) : new Redis({ ...server, ...own });
    // Every failure comes through a command's promise as well, but there an open that failed only says that it did.
    let reason: unknown;
    redis.on('error', (error) => (reason = error));
    const connection = new Connection(redis, settings);
    try {
      await connection.ask(() => redis.connect());
    } catch (error) {
      throw reason ?? error;
    }
    return connection;
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#redis.status === 'ready';
  }

  /** Awaits an answer for `timeoutMs` plus the time that the command itself may block. @throws as `open` */
  async ask<Answer>(command: (redis: Redis) => Promise<Answer>, blockMs = 0): Promise<Answer> {
    const { schedule, timeoutMs } = this.#settings;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = schedule(
      () => reject(new WatchwordError('revocation_unavailable', 'Redis did not answer in time')),
      timeoutMs + blockMs,
      true,
    );
    try {
      return await Promise.race([command(this.#redis), late]);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      cancel();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#redis.disconnect();
  }
}
