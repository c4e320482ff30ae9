/** A revocation log for one process: nothing survives it. */
import { randomUUID } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import { FORGET_AFTER_MS, type Revocation, readRevocation } from './revocation.ts';
import { RevocationIndex } from './revocation-index.ts';
import type { LogEntry, LogPosition, RevocationFollower, RevocationListener, RevocationLog } from './revocation-log.ts';

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
  /** Those who have had their snapshot. */
  readonly #listeners = new Set<RevocationListener>();
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
    for (const listener of this.#listeners) listener.entry(entry);
  }

  follow(listener: RevocationListener): RevocationFollower {
    let hasSnapshot = false;
    let isClosed = false;
    queueMicrotask(() => {
      if (isClosed || this.#isClosed) return;
      listener.snapshot([...this.#index.revocations()], this.#position());
      this.#listeners.add(listener);
      hasSnapshot = true;
    });
    const freshAtMs = (): number => (hasSnapshot && !isClosed && !this.#isClosed ? this.#clock() : -Infinity);
    return {
      get freshAtMs() {
        return freshAtMs();
      },
      close: () => {
        isClosed = true;
        this.#listeners.delete(listener);
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
  }

  #position(): LogPosition {
    return { epoch: this.#epoch, sequence: this.#sequence };
  }
}
