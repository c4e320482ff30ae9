/** A ledger of spent tokens in a SQLite file: survives restarts; the processes of one machine may share it. */
import process from 'node:process';
import type * as Sqlite from 'node:sqlite';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { assertConfig } from '../errors.ts';
import { assertFunction, assertKnownOptions, assertText } from '../options.ts';
import { rollBack } from '../roll-back.ts';
import type { SpentTokens } from './spent-tokens.ts';

/** Where the file is. */
export interface SqliteSpentTokensOptions {
  /** Path of the file, on a local file system; created if it isn't there. */
  readonly path: string;
  readonly clock?: Clock;
}

/** Longest wait for another process, which stops the event loop; after it the token is refused with 503. */
const BUSY_TIMEOUT_MS = 500;

/** Notes between two sweeps of those that are no longer needed. */
const SWEEP_EVERY = 1000;

/** Opens a ledger. Each note is synced to disk before its token is accepted. @throws WatchwordError `config_invalid` */
export function createSqliteSpentTokens(options: SqliteSpentTokensOptions): SpentTokens {
  assertKnownOptions(options, ['path', 'clock'], 'spentTokens');
  const path = assertText(options.path, 'spentTokens.path');
  assertConfig(path !== ':memory:' && !path.includes('\0'), 'spentTokens.path: must be the path of a file');
  const clock = assertFunction(options.clock ?? systemClock, 'spentTokens.clock');
  const database = open(path);
  const notebook = new Notebook(database, clock);
  return {
    spend: (id, keepUntilMs) => notebook.note(id, keepUntilMs),
    async close() {
      notebook.write();
      if (database.isOpen) database.close();
    },
  };
}

interface Note {
  readonly id: string;
  readonly keepUntilMs: number;
  readonly resolve: (isFirst: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes what comes in one turn of the event loop in one transaction: a sync takes milliseconds, and everything waits for it. */
class Notebook {
  readonly #database: Sqlite.DatabaseSync;
  readonly #clock: Clock;
  readonly #insert: Sqlite.StatementSync;
  readonly #sweep: Sqlite.StatementSync;
  #waiting: Note[] = [];
  #sinceSweep = 0;

  constructor(database: Sqlite.DatabaseSync, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#insert = database.prepare('INSERT OR IGNORE INTO spent (id, keep_until_ms) VALUES (?, ?)');
    this.#sweep = database.prepare('DELETE FROM spent WHERE keep_until_ms <= ?');
  }

  note(id: string, keepUntilMs: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    if (this.#waiting.push({ id, keepUntilMs, resolve, reject }) === 1) setImmediate(() => this.write());
    return promise;
  }

  write(): void {
    const notes = this.#waiting.splice(0);
    if (notes.length === 0) return;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const isFirst = notes.map(({ id, keepUntilMs }) => this.#insert.run(id, keepUntilMs).changes === 1);
      this.#sinceSweep += notes.length;
      if (this.#sinceSweep >= SWEEP_EVERY) {
        this.#sweep.run(readClock(this.#clock));
        this.#sinceSweep = 0;
      }
      this.#database.exec('COMMIT');
      for (const [index, { resolve }] of notes.entries()) resolve(isFirst[index]!);
    } catch (error) {
      // Nothing of it is known to be on disk: nobody is let in.
      rollBack(this.#database);
      for (const { reject } of notes) reject(error);
    }
  }
}

function open(path: string): Sqlite.DatabaseSync {
  try {
    // Loaded when it is used: whoever doesn't, needs no SQLite.
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    database.exec('CREATE TABLE IF NOT EXISTS spent (id TEXT PRIMARY KEY, keep_until_ms REAL NOT NULL) STRICT, WITHOUT ROWID');
    return database;
  } catch {
    assertConfig(false, 'spentTokens.path: cannot be opened');
  }
}
