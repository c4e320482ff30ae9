/** Group commit: what is appended to a revocation log in one turn of the event loop shares one transaction, and one sync of the disk. */
import { type Clock, readClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import type { Revocation } from './revocation.ts';
import type { Schedule } from './schedule.ts';
import { type SqliteStore, isBusy } from './sqlite-store.ts';

/** What commits need of their log. */
export interface CommitSettings {
  /** The open file. @throws what node:sqlite throws */
  store(): SqliteStore;
  /** Entries were stored, and whoever waited for them is told. */
  committed(): void;
  readonly clock: Clock;
  readonly schedule: Schedule;
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

export class GroupCommit {
  readonly #settings: CommitSettings;
  readonly #waiting: Waiting[] = [];
  #flush: Promise<void> | undefined;

  constructor(settings: CommitSettings) {
    this.#settings = settings;
  }

  /** Resolves once it is on disk. @throws WatchwordError `revocation_unavailable` */
  append(revocation: Revocation): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ revocation, resolve, reject });
    this.#flush ??= this.#appendWaiting();
    return promise;
  }

  /** Resolves once nothing waits any more. */
  async settled(): Promise<void> {
    await this.#flush;
  }

  async #appendWaiting(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#commit(batch.map(({ revocation }) => revocation));
        for (const { resolve } of batch) resolve();
        this.#settings.committed();
      } catch (cause) {
        const error = new WatchwordError('revocation_unavailable', 'The revocation could not be stored', { cause });
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flush = undefined;
  }

  async #commit(revocations: readonly Revocation[]): Promise<void> {
    const { clock, schedule } = this.#settings;
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#settings.store().append(revocations, readClock(clock));
        return;
      } catch (error) {
        if (!isBusy(error) || attempt === MAX_ATTEMPTS) throw error;
        await new Promise<void>((resolve) => schedule(resolve, RETRY_MS, true));
      }
    }
  }
}
