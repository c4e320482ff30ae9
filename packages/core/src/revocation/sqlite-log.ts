/** A revocation log in a SQLite file: survives restarts; the processes of one machine may share it. */
import { type Clock, systemClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertText } from '../options.ts';
import { type Revocation, readRevocation } from './revocation.ts';
import type { RevocationFollower, RevocationListener, RevocationLog } from './revocation-log.ts';
import { type Schedule, systemSchedule } from './schedule.ts';
import { GroupCommit } from './sqlite-commits.ts';
import { SqliteFollower } from './sqlite-follower.ts';
import { SqliteStore, isBusy } from './sqlite-store.ts';

/** Where the file is. */
export interface SqliteRevocationLogOptions {
  /** Path of the file, on a local file system; created if it isn't there. */
  readonly path: string;
  /** How often to look for entries of other processes. Default 20. */
  readonly pollMs?: number;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/** Opens a log. Each commit is synced to disk (WAL, synchronous=FULL). @throws WatchwordError `config_invalid` */
export function createSqliteRevocationLog(options: SqliteRevocationLogOptions): RevocationLog {
  assertKnownOptions(options, ['path', 'pollMs', 'clock', 'schedule'], 'sqliteLog');
  const path = assertText(options.path, 'sqliteLog.path');
  assertConfig(path !== ':memory:' && !path.includes('\0'), 'sqliteLog.path: must be the path of a file');
  const clock = assertFunction(options.clock ?? systemClock, 'sqliteLog.clock');
  const schedule = assertFunction(options.schedule ?? systemSchedule, 'sqliteLog.schedule');
  return new SqliteRevocationLog(path, assertBetween(options.pollMs ?? 20, 1, 60_000, 'sqliteLog.pollMs'), clock, schedule);
}

const MAX_BACK_OFF_MS = 5000;

class SqliteRevocationLog implements RevocationLog {
  readonly #path: string;
  readonly #pollMs: number;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #commits: GroupCommit;
  readonly #followers = new Set<SqliteFollower>();
  #store: SqliteStore | undefined;
  #version = -1;
  #cancelPoll: (() => void) | undefined;
  #backOffMs: number;
  #isClosed = false;

  constructor(path: string, pollMs: number, clock: Clock, schedule: Schedule) {
    this.#path = path;
    this.#pollMs = pollMs;
    this.#clock = clock;
    this.#schedule = schedule;
    this.#backOffMs = pollMs;
    this.#commits = new GroupCommit({
      store: () => this.#openStore(),
      // Our own commits don't change the version that we see.
      committed: () => this.#poll({ isForced: true }),
      clock,
      schedule,
    });
    try {
      this.#store = new SqliteStore(path);
    } catch (cause) {
      throw cause instanceof WatchwordError
        ? cause
        : new WatchwordError('config_invalid', 'sqliteLog.path: cannot be opened', { cause });
    }
  }

  async append(revocation: Revocation): Promise<void> {
    const checked = readRevocation(revocation);
    if (this.#isClosed) throw new WatchwordError('revocation_unavailable', 'The revocation log is closed');
    await this.#commits.append(checked);
  }

  follow(listener: RevocationListener): RevocationFollower {
    const follower = new SqliteFollower(listener, {
      store: () => this.#openStore(),
      joined: () => this.#poll({ isForced: true }),
      failed: (error) => this.#fail(error),
      left: () => this.#followers.delete(follower),
    });
    this.#followers.add(follower);
    this.#planPoll(0);
    return follower;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelPoll?.();
    for (const follower of this.#followers) follower.close();
    await this.#commits.settled();
    this.#release();
  }

  #poll({ isForced }: { readonly isForced: boolean }): void {
    if (this.#isClosed) return;
    const nowMs = this.#clock();
    try {
      const store = this.#openStore();
      const version = store.version();
      const isNews = isForced || version !== this.#version;
      for (const follower of this.#followers) follower.catchUp(store, isNews, nowMs);
      this.#version = version;
      this.#backOffMs = this.#pollMs;
      this.#planPoll([...this.#followers].some(({ isBehind }) => isBehind) ? 0 : this.#pollMs);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    // A lock is no damage. Everything else is given a new start.
    if (!isBusy(error)) this.#release();
    for (const follower of this.#followers) follower.fail(error);
    this.#backOffMs = Math.min(2 * this.#backOffMs, MAX_BACK_OFF_MS);
    this.#planPoll(this.#backOffMs);
  }

  #planPoll(delayMs: number): void {
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
    if (!this.#isClosed && this.#followers.size > 0)
      this.#cancelPoll = this.#schedule(() => this.#poll({ isForced: false }), delayMs);
  }

  #openStore(): SqliteStore {
    if (this.#store?.isInPlace() === false) this.#release();
    return (this.#store ??= new SqliteStore(this.#path));
  }

  #release(): void {
    this.#store?.close();
    this.#store = undefined;
    this.#version = -1;
  }
}
