/** A revocation log for one process: nothing survives it. */
import { randomUUID } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import { FORGET_AFTER_MS, type Revocation, readRevocation } from './revocation.ts';
import { RevocationIndex } from './revocation-index.ts';
import { inPages } from './pages.ts';
import type {
  LogEntry,
  LogPosition,
  RevocationFollower,
  RevocationListener,
  RevocationLog,
  SnapshotPages,
} from './revocation-log.ts';

/** Options of a memory log. */
export interface MemoryRevocationLogOptions {
  readonly clock?: Clock;
}

/** Makes an empty log. @throws WatchwordError `config_invalid` */
export function createMemoryRevocationLog(options: MemoryRevocationLogOptions = {}): RevocationLog {
  assertKnownOptions(options, ['clock'], 'memoryLog');
  return new MemoryRevocationLog(assertFunction(options.clock ?? systemClock, 'memoryLog.clock'));
}

class MemoryRevocationLog implements RevocationLog {
  readonly #clock: Clock;
  readonly #epoch = randomUUID();
  readonly #index = new RevocationIndex();
  readonly #followers = new Set<MemoryFollower>();
  #sequence = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async append(revocation: Revocation): Promise<void> {
    const checked = readRevocation(revocation);
    if (this.#isClosed) throw new WatchwordError('revocation_unavailable', 'The revocation log is closed');
    const nowMs = readClock(this.#clock);
    this.#index.prune(nowMs - FORGET_AFTER_MS);
    if (!this.#index.add(checked)) return;
    this.#sequence += 1;
    const entry: LogEntry = { revocation: checked, position: this.#position(), appendedAtMs: nowMs };
    for (const follower of this.#followers) follower.take(entry);
  }

  follow(listener: RevocationListener): RevocationFollower {
    const follower = new MemoryFollower(listener, this.#clock, () => this.#followers.delete(follower));
    this.#followers.add(follower);
    queueMicrotask(() => void follower.join(inPages(this.#index.revocations()), this.#position()));
    return follower;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const follower of this.#followers) follower.close();
  }

  #position(): LogPosition {
    return { epoch: this.#epoch, sequence: this.#sequence };
  }
}

class MemoryFollower implements RevocationFollower {
  readonly #listener: RevocationListener;
  readonly #clock: Clock;
  readonly #leave: () => void;
  /** Entries that come before the end of the snapshot; undefined: it has come. */
  #waiting: LogEntry[] | undefined = [];
  #isClosed = false;

  constructor(listener: RevocationListener, clock: Clock, leave: () => void) {
    this.#listener = listener;
    this.#clock = clock;
    this.#leave = leave;
  }

  get freshAtMs(): number {
    return this.#waiting === undefined && !this.#isClosed ? this.#clock() : -Infinity;
  }

  async join(pages: SnapshotPages, position: LogPosition): Promise<void> {
    if (this.#isClosed) return;
    // What was appended before this position is in the pages.
    this.#waiting = [];
    try {
      await this.#listener.snapshot(pages, position);
    } catch (error) {
      // The pages don't fail, so a listener did. It is never fresh.
      this.#listener.failed(error);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const entry of waiting) this.take(entry);
  }

  take(entry: LogEntry): void {
    if (this.#isClosed) return;
    if (this.#waiting === undefined) this.#listener.entry(entry);
    else this.#waiting.push(entry);
  }

  close(): void {
    this.#isClosed = true;
    this.#leave();
  }
}
