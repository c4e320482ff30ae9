/** Statements over the entries of a SQLite queue, and the moves between their states. */
import type * as Sqlite from 'node:sqlite';
import type { Owner } from './accounts.ts';
import { STATE } from './file.ts';
import type { Ledger } from './ledger.ts';

/** A row of an entry, without its body. */
export interface Row extends Owner {
  readonly seq: number;
  readonly id: string;
  readonly idempotency_key: string | null;
  readonly fingerprint: string;
  readonly accepted_at: number;
  readonly run_before: number;
  readonly route: string;
  readonly bytes: number;
  readonly state: number;
  readonly attempts: number;
  readonly token: string | null;
  readonly due: number | null;
  readonly ended_at: number | null;
  readonly status: number | null;
  readonly reason: string | null;
}

const { ready: READY, claimed: CLAIMED, dead: DEAD } = STATE;

type QueryName =
  | 'insert'
  | 'insertBody'
  | 'body'
  | 'dropBody'
  | 'byId'
  | 'byKey'
  | 'drop'
  | 'nextOf'
  | 'move'
  | 'end'
  | 'revive'
  | 'due'
  | 'claimed'
  | 'oldest'
  | 'byIssuer'
  | 'forgettable'
  | 'dead';

// In the words of the index, or SQLite does not see that it holds all of them, and reads every entry there is.
const WITH_DUE = 'state IN (1, 2)';
const WITH_END = 'state IN (3, 4, 6)';

/** By name. */
export const QUERIES: Readonly<Record<QueryName, string>> = {
  insert: `INSERT INTO entries (id, idempotency_key, fingerprint, accepted_at, run_before, route, issuer, client, bytes, state, attempts)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ${READY}, 0) ON CONFLICT DO NOTHING`,
  insertBody: 'INSERT OR REPLACE INTO bodies VALUES (?, ?)',
  body: 'SELECT body FROM bodies WHERE seq = ?',
  dropBody: 'DELETE FROM bodies WHERE seq = ?',
  byId: 'SELECT * FROM entries WHERE id = ?',
  byKey: 'SELECT * FROM entries WHERE idempotency_key = ?',
  drop: 'DELETE FROM entries WHERE seq = ?',
  nextOf: `SELECT * FROM entries WHERE issuer = ? AND client = ? AND state = ${READY} ORDER BY seq LIMIT 1`,
  move: 'UPDATE entries SET state = ?, attempts = ?, token = ?, due = ? WHERE seq = ?',
  end: 'UPDATE entries SET state = ?, token = NULL, due = NULL, ended_at = ?, status = ?, reason = ? WHERE seq = ?',
  revive: `UPDATE entries SET state = ${READY}, attempts = 0, ended_at = NULL, reason = NULL WHERE seq = ?`,
  due: `SELECT * FROM entries WHERE ${WITH_DUE} AND state = ? AND due <= ? ORDER BY due LIMIT ?`,
  claimed: `SELECT count(*) AS count FROM entries WHERE ${WITH_DUE} AND state = ${CLAIMED} AND due > ?`,
  oldest: `SELECT accepted_at FROM entries WHERE state <= ${CLAIMED} ORDER BY seq LIMIT 1`,
  byIssuer: 'SELECT issuer, depth FROM issuers WHERE depth > 0',
  forgettable: `SELECT seq FROM entries WHERE ${WITH_END} AND state = ? AND ended_at <= ? ORDER BY ended_at LIMIT ?`,
  dead: `SELECT * FROM entries WHERE state = ${DEAD} AND (ended_at, seq) > (?, ?) ORDER BY ended_at, seq LIMIT ?`,
};

/** The entries of an open file. */
export class Rows {
  readonly sql: Readonly<Record<QueryName, Sqlite.StatementSync>>;
  readonly #ledger: Ledger;

  constructor(database: Sqlite.DatabaseSync, ledger: Ledger) {
    const prepared = Object.entries(QUERIES).map(([name, query]) => [name, database.prepare(query)] as const);
    this.sql = Object.fromEntries(prepared) as Record<QueryName, Sqlite.StatementSync>;
    this.#ledger = ledger;
  }

  byId(id: string): Row | undefined {
    return this.sql.byId.get(id) as Row | undefined;
  }

  byKey(key: string): Row | undefined {
    return this.sql.byKey.get(key) as Row | undefined;
  }

  /** The oldest entry of a client that can be claimed. */
  nextOf({ issuer, client }: Owner): Row | undefined {
    return this.sql.nextOf.get(issuer, client) as Row | undefined;
  }

  due(state: number, nowMs: number, most: number): readonly Row[] {
    return this.sql.due.all(state, nowMs, most) as unknown as readonly Row[];
  }

  body(seq: number): Uint8Array | undefined {
    return this.sql.body.get(seq)?.['body'] as Uint8Array | undefined;
  }

  /** Between the states of what has not ended. */
  move(
    row: Row,
    state: number,
    rest: { readonly attempts?: number; readonly token: string | null; readonly due: number | null },
  ): void {
    this.sql.move.run(state, rest.attempts ?? row.attempts, rest.token, rest.due, row.seq);
    const ready = Number(state === STATE.ready) - Number(row.state === STATE.ready);
    if (ready !== 0) this.#ledger.change(row, { ready });
  }

  /** Forgets an entry that has ended. */
  drop({ seq, state }: Pick<Row, 'seq' | 'state'>): void {
    this.sql.drop.run(seq);
    this.sql.dropBody.run(seq);
    this.#ledger.countOutcome(state, -1);
  }
}
