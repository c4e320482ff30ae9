/** The file of a SQLite revocation log: schema, durable appends, consistent reads. Synchronous, like node:sqlite. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, statSync } from 'node:fs';
import process from 'node:process';
import type * as Sqlite from 'node:sqlite';
import { WatchwordError, assertConfig } from '../errors.ts';
import { rollBack } from '../roll-back.ts';
import { FORGET_AFTER_MS, type Revocation, decodeRevocation, encodeRevocation } from './revocation.ts';
import { PAGE } from './pages.ts';
import type { LogEntry } from './revocation-log.ts';

/** Where a reader stands. `link` names the last entry it saw, so that a rewritten history is noticed at equal length. */
export interface SqliteCursor {
  readonly epoch: string;
  readonly sequence: number;
  readonly link: string;
}

/** Entries that follow on a reader's cursor. */
export interface SqliteNews {
  /** Behind the last of them. */
  readonly cursor: SqliteCursor;
  readonly entries: readonly LogEntry[];
  /** Whether nothing follows on these. */
  readonly isAll: boolean;
}

/** A part of a snapshot. */
export interface SqlitePage {
  readonly revocations: readonly Revocation[];
  /** Where the next page begins; undefined: this was the last one. */
  readonly next: number | undefined;
}

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, sequence INTEGER NOT NULL, link TEXT NOT NULL) STRICT;
  CREATE TABLE revocations (
    sequence INTEGER PRIMARY KEY, link TEXT NOT NULL, previous TEXT NOT NULL,
    revocation TEXT NOT NULL UNIQUE, expires_at_ms REAL NOT NULL, appended_at_ms REAL NOT NULL
  ) STRICT;
  CREATE INDEX revocations_by_expiry ON revocations (expires_at_ms);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Longest wait for a lock, which stops the event loop. */
const BUSY_TIMEOUT_MS = 100;
const SQLITE_BUSY = 5;

/** An open file. */
export class SqliteStore {
  readonly #path: string;
  readonly #file: string;
  readonly #database: Sqlite.DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;

  /** Opens or creates the file. @throws what node:sqlite throws; WatchwordError `config_invalid` for a file that can't be used */
  constructor(path: string) {
    this.#path = path;
    // SQLite's other two files get the permissions of the first: who has signed out is nobody else's business.
    closeSync(openSync(path, 'a', 0o600));
    this.#file = identityOf(path);
    const { DatabaseSync } = sqlite();
    this.#database = new DatabaseSync(path);
    try {
      insist(() => this.#setUp());
      this.#statements = prepare(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Whether the path still leads to the file that is open: deleted or replaced, it would be written to for nobody. */
  isInPlace(): boolean {
    return identityOf(this.#path) === this.#file;
  }

  /** Changes whenever another connection has committed. */
  version(): number {
    return Number(this.#statements.version.get()!['data_version']);
  }

  /** Appends in one transaction; durable on return. */
  append(revocations: readonly Revocation[], nowMs: number): void {
    const { forget, insert, move } = this.#statements;
    this.#transaction('IMMEDIATE', () => {
      forget.run(nowMs - FORGET_AFTER_MS);
      let { sequence, link } = this.head();
      for (const revocation of revocations) {
        const next = randomUUID();
        const { changes } = insert.run(sequence + 1, next, link, encodeRevocation(revocation), revocation.expiresAtMs, nowMs);
        if (Number(changes) === 0) continue;
        sequence += 1;
        link = next;
      }
      move.run(sequence, link);
    });
  }

  /** Where the log ends. */
  head(): SqliteCursor {
    return { ...(this.#statements.head.get() as unknown as SqliteCursor) };
  }

  /** What is new since a cursor, a page at most. Undefined unless the history goes on exactly where the cursor stands. */
  read(cursor: SqliteCursor): SqliteNews | undefined {
    return this.#transaction('DEFERRED', () => this.#newsSince(cursor, this.head()));
  }

  /** A page of what is in force up to `head`. @throws WatchwordError `revocation_unavailable` once the head is of another epoch */
  page(from: number, head: SqliteCursor): SqlitePage {
    return this.#transaction('DEFERRED', () => {
      if (this.head().epoch !== head.epoch) {
        throw new WatchwordError('revocation_unavailable', 'The revocation log was replaced while it was read');
      }
      const rows = this.#statements.page.all(from, head.sequence, PAGE);
      return {
        revocations: rows.map((row) => decodeRevocation(String(row['revocation']))),
        next: rows.length < PAGE ? undefined : Number(rows.at(-1)!['sequence']),
      };
    });
  }

  close(): void {
    this.#database.close();
  }

  #setUp(): void {
    const database = this.#database;
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()!['journal_mode'];
    assertConfig(mode === 'wal', 'sqliteLog.path: the file system does not support SQLite in WAL mode');
    // In WAL mode NORMAL may lose acknowledged commits when the power fails.
    database.exec('PRAGMA synchronous = FULL');
    this.#transaction('IMMEDIATE', () => {
      const version = Number(database.prepare('PRAGMA user_version').get()!['user_version']);
      if (version === SCHEMA_VERSION) return;
      const { count } = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!;
      assertConfig(version === 0 && count === 0, 'sqliteLog.path: the file is another database, or of another version');
      database.exec(SCHEMA);
      database.prepare('INSERT INTO head VALUES (1, ?, 0, ?)').run(randomUUID(), randomUUID());
    });
  }

  #newsSince(cursor: SqliteCursor, end: SqliteCursor): SqliteNews | undefined {
    if (cursor.epoch !== end.epoch) return undefined;
    if (cursor.sequence === end.sequence) return cursor.link === end.link ? { cursor, entries: [], isAll: true } : undefined;
    let { sequence, link } = cursor;
    const entries: LogEntry[] = [];
    for (const row of this.#statements.since.all(cursor.sequence, PAGE)) {
      if (row['previous'] !== link) return undefined;
      link = String(row['link']);
      sequence = Number(row['sequence']);
      entries.push({
        revocation: decodeRevocation(String(row['revocation'])),
        position: { epoch: end.epoch, sequence },
        appendedAtMs: Number(row['appended_at_ms']),
      });
    }
    const isAll = link === end.link;
    return isAll || entries.length === PAGE ? { cursor: { epoch: end.epoch, sequence, link }, entries, isAll } : undefined;
  }

  #transaction<Result>(kind: 'IMMEDIATE' | 'DEFERRED', action: () => Result): Result {
    this.#database.exec(`BEGIN ${kind}`);
    try {
      const result = action();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      rollBack(this.#database);
      throw error;
    }
  }
}

/** Whether an error only says that another process was writing. */
export function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number } | undefined)?.errcode ?? 0) % 256 === SQLITE_BUSY;
}

// Loaded on use: some versions of Node warn at each start of a program that imports it.
function sqlite(): typeof Sqlite {
  const module = process.getBuiltinModule('node:sqlite');
  assertConfig(module !== undefined, 'sqliteLog: needs Node 22.13 or newer');
  return module;
}

function prepare(
  database: Sqlite.DatabaseSync,
): Record<'version' | 'head' | 'forget' | 'insert' | 'move' | 'since' | 'page', Sqlite.StatementSync> {
  return {
    version: database.prepare('PRAGMA data_version'),
    head: database.prepare('SELECT epoch, sequence, link FROM head'),
    forget: database.prepare('DELETE FROM revocations WHERE expires_at_ms < ?'),
    insert: database.prepare('INSERT INTO revocations VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (revocation) DO NOTHING'),
    move: database.prepare('UPDATE head SET sequence = ?, link = ?'),
    since: database.prepare('SELECT * FROM revocations WHERE sequence > ? ORDER BY sequence LIMIT ?'),
    page: database.prepare(
      'SELECT sequence, revocation FROM revocations WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?',
    ),
  };
}

// Two processes that create the file at the same time: SQLite tells one of them to come back, without waiting itself.
function insist(action: () => void): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      action();
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === 20) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10 * attempt);
    }
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? { dev: 'none', ino: 'none' };
  return `${dev}:${ino}`;
}
