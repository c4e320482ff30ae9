/** The totals of a queue: one row, read on use, written back by `save`. */
import type * as Sqlite from 'node:sqlite';
import { HELD, STATE } from './file.ts';

/** The totals of a queue. */
export interface Head {
  entries: number;
  bytes: number;
  depth: number;
  turn: number;
  accepted: number;
  done: number;
  refused: number;
  dead: number;
  replayed: number;
  purged: number;
  /** Outcomes that are kept of entries whose token was good, and of those that were never verified. */
  outcomes: number;
  unverified: number;
}

export class Totals {
  readonly #read: Sqlite.StatementSync;
  readonly #write: Sqlite.StatementSync;
  readonly #countHeld: Sqlite.StatementSync;
  readonly #countEnded: Sqlite.StatementSync;
  #head: Head | undefined;

  constructor(database: Sqlite.DatabaseSync) {
    this.#read = database.prepare(`SELECT entries, bytes, depth, turn, accepted, done, refused, dead, replayed, purged, outcomes,
      unverified FROM head`);
    this.#write =
      database.prepare(`UPDATE head SET entries = ?, bytes = ?, depth = ?, turn = ?, accepted = ?, done = ?, refused = ?,
      dead = ?, replayed = ?, purged = ?, outcomes = ?, unverified = ?`);
    this.#countHeld = database.prepare(`SELECT count(*) AS entries, ifnull(sum(bytes), 0) AS bytes,
      ifnull(sum(state <= ${STATE.claimed}), 0) AS depth ${HELD}`);
    this.#countEnded = database.prepare(`SELECT ifnull(sum(state <> ${STATE.unverified}), 0) AS outcomes,
      ifnull(sum(state = ${STATE.unverified}), 0) AS unverified FROM entries WHERE state IN (3, 4, 6)`);
  }

  /** To be changed in place. */
  get head(): Head {
    return (this.#head ??= { ...(this.#read.get() as unknown as Head) });
  }

  /** Counts what the entries say. What came and went before stays as it is. */
  recount(): void {
    Object.assign(this.head, this.#countHeld.get(), this.#countEnded.get());
  }

  save(): void {
    if (this.#head === undefined) return;
    const { entries, bytes, depth, turn, accepted, done, refused, dead, replayed, purged, outcomes, unverified } = this.#head;
    this.#write.run(entries, bytes, depth, turn, accepted, done, refused, dead, replayed, purged, outcomes, unverified);
    this.forget();
  }

  forget(): void {
    this.#head = undefined;
  }
}
