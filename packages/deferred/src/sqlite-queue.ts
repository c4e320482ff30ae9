/** A queue in a SQLite file: the embedded default. Survives crashes and power loss; the processes of one machine may share it. */
import { type Clock, type Schedule, WatchwordError, assertConfig, readClock, systemClock, systemSchedule } from '@watchword/core';
import { ClaimWaits } from './claim-waits.ts';
import {
  assertCount,
  assertDelay,
  assertEntry,
  assertFunction,
  assertKnownOptions,
  assertOutcome,
  assertTime,
  assertWhole,
} from './entry-rules.ts';
import type {
  Acceptance,
  Claim,
  ClaimOptions,
  DeadLetter,
  EntryStatus,
  NewEntry,
  Outcome,
  Queue,
  QueueStats,
  Release,
} from './queue.ts';
import { type QueueLimits, canEverFit, readLimits, roomOf } from './shares.ts';
import type { EngineSettings } from './sqlite/context.ts';
import { openQueueFile } from './sqlite/file.ts';
import { QueueThread } from './sqlite/queue-thread.ts';

/** Where the file is, and how much goes in. */
export interface SqliteQueueOptions {
  /** Path of the file, on a local file system; created if it isn't there. */
  readonly path: string;
  /** The same for all that share the file. */
  readonly limits?: QueueLimits;
  /** How long outcomes and idempotency keys are kept after the end. Default 24 hours. */
  readonly outcomesKeptMs?: number;
  /** How often a claim that waits looks for what other processes have accepted. Default 50. */
  readonly pollMs?: number;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/** Opens a queue. Each answer is given after its commit was synced to disk. @throws WatchwordError `config_invalid` */
export function createSqliteQueue(options: SqliteQueueOptions): Queue {
  assertKnownOptions(options, ['path', 'limits', 'outcomesKeptMs', 'pollMs', 'clock', 'schedule'], 'sqliteQueue');
  const { path, outcomesKeptMs = 86_400_000, pollMs = 50, clock = systemClock, schedule = systemSchedule } = options;
  const isPath = typeof path === 'string' && path !== '' && path !== ':memory:' && !path.includes('\0');
  assertConfig(isPath, 'sqliteQueue.path: must be the path of a file');
  const settings = {
    path,
    limits: readLimits(options.limits, 'sqliteQueue.limits'),
    outcomesKeptMs: assertWhole(outcomesKeptMs, 1000, 30 * 86_400_000, 'sqliteQueue.outcomesKeptMs'),
  };
  assertWhole(pollMs, 1, 60_000, 'sqliteQueue.pollMs');
  assertFunction(clock, 'sqliteQueue.clock');
  assertFunction(schedule, 'sqliteQueue.schedule');
  tryFile(path);
  return new SqliteQueue(settings, pollMs, clock, schedule);
}

// A file that can't be used is known at the start, not with the first request.
function tryFile(path: string): void {
  try {
    openQueueFile(path, 1000).database.close();
  } catch (cause) {
    if (cause instanceof WatchwordError) throw cause;
    throw new WatchwordError('config_invalid', 'sqliteQueue.path: cannot be opened', { cause });
  }
}

class SqliteQueue implements Queue {
  readonly #limits: Required<QueueLimits>;
  readonly #waits: ClaimWaits;
  readonly #thread: QueueThread;

  constructor(settings: EngineSettings, pollMs: number, clock: Clock, schedule: Schedule) {
    this.#limits = settings.limits;
    this.#waits = new ClaimWaits(schedule, pollMs);
    this.#thread = new QueueThread(settings, () => readClock(clock));
  }

  async accept(entry: NewEntry): Promise<Acceptance> {
    assertEntry(entry);
    if (!canEverFit(this.#limits, roomOf(entry.payload))) throw new WatchwordError('body_too_large');
    // A disk that stalls must not fill the memory.
    if (this.#thread.isBehind) return { kind: 'full', scope: 'queue', retryAfterMs: 1000 };
    const acceptance = await this.#thread.ask('accept', entry);
    if (acceptance.kind === 'accepted') this.#waits.wake();
    return acceptance;
  }

  async claim(worker: string, most: number, { leaseMs, waitMs, signal }: ClaimOptions): Promise<readonly Claim[]> {
    assertCount(most, 'most');
    assertDelay(leaseMs, 1, 'leaseMs');
    assertDelay(waitMs, 0, 'waitMs');
    const ask = (): Promise<readonly Claim[]> => this.#thread.ask('claim', { worker, most, leaseMs });
    return this.#waits.until(ask, { waitMs, signal, isOver: () => this.#thread.isClosed });
  }

  async extend(claims: readonly Claim[], leaseMs: number): Promise<readonly Claim[]> {
    assertDelay(leaseMs, 1, 'leaseMs');
    if (claims.length === 0) return [];
    const untils = await this.#thread.ask('extend', { claims: claims.map(nameOf), leaseMs });
    return claims.flatMap((claim, index) => {
      const leaseUntilMs = untils[index];
      return leaseUntilMs === undefined ? [] : [{ ...claim, leaseUntilMs }];
    });
  }

  async settle(outcomes: readonly (readonly [Claim, Outcome])[]): Promise<readonly boolean[]> {
    for (const [, outcome] of outcomes) assertOutcome(outcome);
    if (outcomes.length === 0) return [];
    return this.#thread.ask(
      'settle',
      outcomes.map(([claim, outcome]) => [nameOf(claim), outcome] as const),
    );
  }

  async release(releases: readonly Release[]): Promise<readonly boolean[]> {
    if (releases.length === 0) return [];
    for (const { notBeforeMs } of releases) assertTime(notBeforeMs, 'notBeforeMs');
    const released = await this.#thread.ask(
      'release',
      releases.map(({ claim, notBeforeMs, isUntouched = false }) => ({ ...nameOf(claim), notBeforeMs, isUntouched })),
    );
    this.#waits.wake();
    return released;
  }

  async status(id: string): Promise<EntryStatus | undefined> {
    return this.#thread.ask('status', id);
  }

  async stats(): Promise<QueueStats> {
    return this.#thread.ask('stats', undefined);
  }

  async dead(options: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]> {
    assertCount(options.limit, 'limit');
    return this.#thread.ask('dead', options);
  }

  async replay(ids: readonly string[]): Promise<readonly string[]> {
    const replayed = await this.#thread.ask('replay', ids);
    this.#waits.wake();
    return replayed;
  }

  async purge(ids: readonly string[]): Promise<readonly string[]> {
    return this.#thread.ask('purge', ids);
  }

  async close(): Promise<void> {
    const closed = this.#thread.close();
    this.#waits.wake();
    await closed;
  }
}

function nameOf({ entry, token }: Claim): { readonly id: string; readonly token: string } {
  return { id: entry.id, token };
}
