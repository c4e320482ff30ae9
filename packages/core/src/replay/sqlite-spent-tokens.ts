/** A ledger of spent tokens in a SQLite file: survives restarts; the processes of one machine may share it. */
import process from 'node:process';
import type * as Sqlite from 'node:sqlite';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { assertConfig } from '../errors.ts';
import { assertFunction, assertKnownOptions, assertText } from '../options.ts';
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
  const note = database.prepare('INSERT OR IGNORE INTO spent (id, keep_until_ms) VALUES (?, ?)');
  const sweep = database.prepare('DELETE FROM spent WHERE keep_until_ms <= ?');
  let notes = 0;
  return {
    async spend(id, keepUntilMs) {
      const { changes } = note.run(id, keepUntilMs);
      notes += 1;
      if (notes % SWEEP_EVERY === 0) sweep.run(readClock(clock));
      return changes === 1;
    },
    async close() {
      if (database.isOpen) database.close();
    },
  };
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
