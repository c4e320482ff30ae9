/** A store of signing keys in a SQLite file: survives restarts; the processes of one machine may share it. */
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import process from 'node:process';
import type * as Sqlite from 'node:sqlite';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertFunction, assertKnownOptions, assertText } from '../options.ts';
import { rollBack } from '../roll-back.ts';
import type { SigningKeyStore, StoredKeySet } from './signing-key-store.ts';

/** Where the file is. */
export interface SqliteSigningKeyStoreOptions {
  /** Path of the file, on a local file system; created if it isn't there, readable by its owner alone. */
  readonly path: string;
  readonly clock?: Clock;
}

/** Longest wait for another process, which stops the event loop. */
const BUSY_TIMEOUT_MS = 500;

/**
 * Makes a store. A file that others than its owner may read is refused: who reads a private key can sign. The file is opened when
 * it is used.
 * @throws WatchwordError `config_invalid`
 */
export function createSqliteSigningKeyStore(options: SqliteSigningKeyStoreOptions): SigningKeyStore {
  assertKnownOptions(options, ['path', 'clock'], 'sqliteSigningKeys');
  const path = assertText(options.path, 'sqliteSigningKeys.path');
  assertConfig(path !== ':memory:' && !path.includes('\0'), 'sqliteSigningKeys.path: must be the path of a file');
  const store = new SqliteSigningKeyStore(path, assertFunction(options.clock ?? systemClock, 'sqliteSigningKeys.clock'));
  store.open();
  return store;
}

class SqliteSigningKeyStore implements SigningKeyStore {
  readonly isRemote = false;
  readonly #path: string;
  readonly #clock: Clock;
  #database: Sqlite.DatabaseSync | undefined;
  #file: string | undefined;
  #isClosed = false;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  async load(): Promise<StoredKeySet> {
    const row = this.open().prepare('SELECT version, content FROM signing_keys').get();
    return {
      version: row && String(row['version']),
      content: row && String(row['content']),
      nowMs: readClock(this.#clock),
    };
  }

  async replace(content: string, version: string | undefined, notAfterMs: number): Promise<boolean> {
    const database = this.open();
    database.exec('BEGIN IMMEDIATE');
    let isDone = false;
    try {
      const found = database.prepare('SELECT version FROM signing_keys').get()?.['version'];
      if (found === version) {
        database.prepare('INSERT OR REPLACE INTO signing_keys VALUES (1, ?, ?)').run(randomUUID(), content);
        // As late as it can be: nobody else can write meanwhile, nor read what is not committed.
        isDone = readClock(this.#clock) <= notAfterMs;
      }
      if (isDone) database.exec('COMMIT');
    } finally {
      // After a commit there is nothing to undo. One that a reader is in the way of leaves the transaction open, and nobody else could
      // read or write any more.
      rollBack(database);
    }
    return isDone;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#release();
  }

  /** Opens the file, or again if it was replaced: what is written to a file that is deleted, nobody else reads. */
  open(): Sqlite.DatabaseSync {
    if (this.#isClosed) throw new WatchwordError('signing_unavailable', 'The store of signing keys is closed');
    if (this.#database !== undefined && identityOf(this.#path) !== this.#file) this.#release();
    if (this.#database === undefined) {
      this.#file = makePrivate(this.#path);
      this.#database = openDatabase(this.#path);
    }
    return this.#database;
  }

  #release(): void {
    this.#database?.close();
    this.#database = undefined;
  }
}

/** Creates the file if need be, for its owner alone. SQLite gives its journal the same permissions. */
function makePrivate(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'a', 0o600);
  } catch {
    assertConfig(false, 'sqliteSigningKeys.path: cannot be opened');
  }
  try {
    const { mode } = fstatSync(file);
    // Windows knows no such bits.
    const isPrivate = process.platform === 'win32' || (mode & 0o077) === 0;
    assertConfig(isPrivate, 'sqliteSigningKeys.path: the file may be read by others than its owner (chmod 600)');
  } finally {
    closeSync(file);
  }
  return identityOf(path);
}

function openDatabase(path: string): Sqlite.DatabaseSync {
  // Loaded on use: some versions of Node warn at each start of a program that imports it.
  const module = process.getBuiltinModule('node:sqlite');
  assertConfig(module !== undefined, 'sqliteSigningKeys: needs Node 22.13 or newer');
  const database = new module.DatabaseSync(path);
  try {
    // Keys that are gone are to be gone from the file, too: no write-ahead log, and freed pages are overwritten.
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON`);
    // EXTRA: the removal of the journal is synced as well, or a power failure could undo a commit that was acknowledged.
    database.exec('PRAGMA synchronous = EXTRA');
    database.exec(
      'CREATE TABLE IF NOT EXISTS signing_keys (one INTEGER PRIMARY KEY CHECK (one = 1), version TEXT NOT NULL, content TEXT NOT NULL) STRICT',
    );
    return database;
  } catch (error) {
    database.close();
    throw isBusy(error) ? error : new WatchwordError('config_invalid', 'sqliteSigningKeys.path: is not a usable SQLite file');
  }
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number } | undefined)?.errcode ?? 0) % 256 === 5;
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? { dev: 'none', ino: 'none' };
  return `${dev}:${ino}`;
}
