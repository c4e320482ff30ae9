/** The file of a SQLite queue: opened, checked, its schema. Synchronous, like node:sqlite. */
import { closeSync, openSync, statSync } from 'node:fs';
import process from 'node:process';
import type * as Sqlite from 'node:sqlite';
import { assertConfig } from '@watchword/core';

/** The states of an entry in the file. `unverified`: refused, and its token was never verified. */
export const STATE = { ready: 0, delayed: 1, claimed: 2, done: 3, refused: 4, dead: 5, unverified: 6 } as const;

/** The entries that take room. */
export const HELD: string = `FROM entries WHERE state <= ${STATE.claimed} OR state = ${STATE.dead}`;

const SCHEMA_VERSION = 2;
// Bodies apart: an entry changes its state four times, and each time SQLite writes the whole row.
const SCHEMA = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, idempotency_key TEXT, fingerprint TEXT NOT NULL,
    accepted_at REAL NOT NULL, run_before REAL NOT NULL, route TEXT NOT NULL, issuer TEXT NOT NULL, client TEXT NOT NULL,
    bytes INTEGER NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
    token TEXT, due REAL, ended_at REAL, status INTEGER, reason TEXT
  ) STRICT;
  CREATE UNIQUE INDEX entries_by_key ON entries (idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX entries_ready ON entries (issuer, client, seq) WHERE state = 0;
  CREATE INDEX entries_due ON entries (state, due) WHERE state IN (1, 2);
  CREATE INDEX entries_waiting ON entries (seq) WHERE state <= 2;
  CREATE INDEX entries_ended ON entries (state, ended_at) WHERE state IN (3, 4, 6);
  CREATE INDEX entries_dead ON entries (ended_at, seq) WHERE state = 5;
  CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
  CREATE TABLE issuers (
    issuer TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL, depth INTEGER NOT NULL,
    ready INTEGER NOT NULL, turn INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE clients (
    issuer TEXT NOT NULL, client TEXT NOT NULL, entries INTEGER NOT NULL, bytes INTEGER NOT NULL, depth INTEGER NOT NULL,
    ready INTEGER NOT NULL, turn INTEGER NOT NULL, PRIMARY KEY (issuer, client)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX clients_by_turn ON clients (issuer, turn) WHERE ready > 0;
  CREATE TABLE paces (second INTEGER PRIMARY KEY, accepted INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;
  CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, bytes INTEGER NOT NULL, depth INTEGER NOT NULL,
    turn INTEGER NOT NULL, accepted INTEGER NOT NULL, done INTEGER NOT NULL, refused INTEGER NOT NULL, dead INTEGER NOT NULL,
    replayed INTEGER NOT NULL, purged INTEGER NOT NULL,
    outcomes INTEGER NOT NULL DEFAULT 0, unverified INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  INSERT INTO head VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

// Nothing was known of tokens that were never verified.
const FROM_VERSION_1 = `
  ALTER TABLE head ADD COLUMN outcomes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE head ADD COLUMN unverified INTEGER NOT NULL DEFAULT 0;
  UPDATE head SET outcomes = (SELECT count(*) FROM entries WHERE state IN (3, 4));
  DROP INDEX entries_ended;
  CREATE INDEX entries_ended ON entries (state, ended_at) WHERE state IN (3, 4, 6);
  PRAGMA user_version = 2;
`;

/** An open file. */
export interface QueueFile {
  readonly database: Sqlite.DatabaseSync;
  /** Whether the path still leads to the file that is open: deleted or replaced, it would be written to for nobody. */
  isInPlace(): boolean;
}

/**
 * Opens or creates the file. Each commit is synced to disk.
 * @param busyTimeoutMs how long to stop this thread while another process writes
 * @throws what node:sqlite throws; WatchwordError `config_invalid` for a file that is not a queue
 */
export function openQueueFile(path: string, busyTimeoutMs: number): QueueFile {
  // SQLite's other two files get the permissions of the first.
  closeSync(openSync(path, 'a', 0o600));
  const identity = identityOf(path);
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path);
  try {
    insist(() => setUp(database, busyTimeoutMs));
  } catch (error) {
    database.close();
    throw error;
  }
  return { database, isInPlace: () => identityOf(path) === identity };
}

/** Runs `action` in one transaction: all of it or nothing. */
export function inTransaction<Result>(
  database: Sqlite.DatabaseSync,
  kind: 'IMMEDIATE' | 'DEFERRED',
  action: () => Result,
): Result {
  database.exec(`BEGIN ${kind}`);
  try {
    const result = action();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

// Some errors have rolled back already.
function rollBack(database: Sqlite.DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {}
}

function setUp(database: Sqlite.DatabaseSync, busyTimeoutMs: number): void {
  // The size counts for a new file: a request and its token are longer than half of a page of 4 KiB.
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA page_size = 8192`);
  // 4 MiB, as long as SQLite lets a log of smaller pages get before it writes it back.
  database.exec('PRAGMA wal_autocheckpoint = 500');
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()!['journal_mode'];
  assertConfig(mode === 'wal', 'sqliteQueue.path: the file system does not support SQLite in WAL mode');
  // In WAL mode NORMAL may lose acknowledged commits when the power fails.
  database.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864');
  inTransaction(database, 'IMMEDIATE', () => {
    const version = Number(database.prepare('PRAGMA user_version').get()!['user_version']);
    if (version === SCHEMA_VERSION) return;
    if (version === 1 && database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entries_ended'").get() !== undefined) {
      database.exec(FROM_VERSION_1);
      return;
    }
    const { count } = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!;
    assertConfig(version === 0 && count === 0, 'sqliteQueue.path: the file is another database, or of another version');
    database.exec(SCHEMA);
  });
}

// Loaded on use: some versions of Node warn at each start of a program that imports it.
function sqlite(): typeof Sqlite {
  const module = process.getBuiltinModule('node:sqlite');
  assertConfig(module !== undefined, 'sqliteQueue: needs Node 22.13 or newer');
  return module;
}

const SQLITE_BUSY = 5;

// Two processes that create the file at the same time: SQLite tells one of them to come back, without waiting itself.
function insist(action: () => void): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      action();
      return;
    } catch (error) {
      const isBusy = ((error as { errcode?: number } | undefined)?.errcode ?? 0) % 256 === SQLITE_BUSY;
      if (!isBusy || attempt === 20) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10 * attempt);
    }
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? { dev: 'none', ino: 'none' };
  return `${dev}:${ino}`;
}
