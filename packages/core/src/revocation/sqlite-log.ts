/** A revocation log in a SQLite file: survives restarts; the processes of one machine may share it. */
import { setImmediate } from 'node:timers/promises';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertText } from '../options.ts';
import { type Revocation, readRevocation } from './revocation.ts';
import type { RevocationFollower, RevocationListener, RevocationLog } from './revocation-log.ts';
import { type Schedule, systemSchedule } from './schedule.ts';
import { type SqliteCursor, type SqliteNews, type SqlitePage, SqliteStore, isBusy } from './sqlite-store.ts';

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

interface Waiting {
  readonly revocation: Revocation;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Attempts to append while other processes write: about 5 s. */
const MAX_ATTEMPTS = 40;
const RETRY_MS = 25;
/** Appends in one transaction. */
const BATCH = 1000;
const MAX_BACK_OFF_MS = 5000;

class SqliteRevocationLog implements RevocationLog {
  readonly #path: string;
  readonly #pollMs: number;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #followers = new Set<SqliteFollower>();
  #store: SqliteStore | undefined;
  #version = -1;
  readonly #waiting: Waiting[] = [];
  #flush: Promise<void> | undefined;
  #cancelPoll: (() => void) | undefined;
  #backOffMs: number;
  #isClosed = false;

  constructor(path: string, pollMs: number, clock: Clock, schedule: Schedule) {
    this.#path = path;
    this.#pollMs = pollMs;
    this.#clock = clock;
    this.#schedule = schedule;
    this.#backOffMs = pollMs;
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
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ revocation: checked, resolve, reject });
    this.#flush ??= this.#appendWaiting();
    await promise;
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
    await this.#flush;
    this.#release();
  }

  // Whatever is appended in one turn of the event loop shares one transaction, and so one sync of the disk.
  async #appendWaiting(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#commit(batch.map(({ revocation }) => revocation));
        for (const { resolve } of batch) resolve();
        // Our own commits don't change the version that we see.
        this.#poll({ isForced: true });
      } catch (cause) {
        const error = new WatchwordError('revocation_unavailable', 'The revocation could not be stored', { cause });
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flush = undefined;
  }

  async #commit(revocations: readonly Revocation[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#openStore().append(revocations, readClock(this.#clock));
        return;
      } catch (error) {
        if (!isBusy(error) || attempt === MAX_ATTEMPTS) throw error;
        await new Promise<void>((resolve) => this.#schedule(resolve, RETRY_MS, true));
      }
    }
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

/** What a follower asks of its log. */
interface Surroundings {
  /** The open file. @throws what node:sqlite throws */
  store(): SqliteStore;
  /** A snapshot was taken: what came meanwhile is to be read. */
  joined(): void;
  failed(error: unknown): void;
  left(): void;
}

class SqliteFollower implements RevocationFollower {
  readonly #listener: RevocationListener;
  readonly #log: Surroundings;
  #cursor: SqliteCursor | undefined;
  #freshAtMs = -Infinity;
  #isJoining = false;
  #isBehind = false;
  #isClosed = false;

  constructor(listener: RevocationListener, log: Surroundings) {
    this.#listener = listener;
    this.#log = log;
  }

  get freshAtMs(): number {
    return this.#freshAtMs;
  }

  /** Whether entries were left for another turn of the event loop. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  catchUp(store: SqliteStore, isNews: boolean, nowMs: number): void {
    if (this.#isJoining || this.#isClosed) return;
    if (!isNews && !this.#isBehind && this.#cursor !== undefined) {
      this.#freshAtMs = nowMs;
      return;
    }
    const news = this.#cursor && store.read(this.#cursor);
    if (news === undefined) void this.#join(nowMs);
    else this.#take(news, nowMs);
  }

  fail(error: unknown): void {
    this.#listener.failed(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#freshAtMs = -Infinity;
    this.#log.left();
  }

  #take({ cursor, entries, isAll }: SqliteNews, nowMs: number): void {
    this.#cursor = cursor;
    this.#isBehind = !isAll;
    for (const entry of entries) if (!this.#isClosed) this.#listener.entry(entry);
    if (isAll && !this.#isClosed) this.#freshAtMs = nowMs;
  }

  async #join(nowMs: number): Promise<void> {
    this.#isJoining = true;
    this.#isBehind = false;
    this.#cursor = undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      const head = this.#log.store().head();
      await this.#listener.snapshot(this.#pages(head), { epoch: head.epoch, sequence: head.sequence });
      this.#cursor = head;
    } catch (error) {
      failure = { error };
    }
    this.#isJoining = false;
    if (this.#isClosed) return;
    if (failure !== undefined) {
      this.#log.failed(failure.error);
      return;
    }
    // As of the question. What came meanwhile makes it current.
    this.#freshAtMs = nowMs;
    this.#log.joined();
  }

  // Entries leave the file when they have expired, and only their end grows: pages of different moments make up a whole.
  async *#pages(head: SqliteCursor): AsyncGenerator<readonly Revocation[], void> {
    for (let from: number | undefined = 0; from !== undefined && !this.#isClosed;) {
      const { revocations, next }: SqlitePage = this.#log.store().page(from, head);
      yield revocations;
      if (next !== undefined) await setImmediate();
      from = next;
    }
  }
}
