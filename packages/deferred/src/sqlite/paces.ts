/** How many entries a queue accepted and ended in each second of the last minute. */
import type * as Sqlite from 'node:sqlite';

const PACE_SECONDS = 60;

export class Paces {
  readonly #add: Sqlite.StatementSync;
  readonly #drop: Sqlite.StatementSync;
  readonly #sum: Sqlite.StatementSync;
  #accepted = 0;
  #ended = 0;

  constructor(database: Sqlite.DatabaseSync) {
    this.#add = database.prepare(`INSERT INTO paces VALUES (?, ?, ?) ON CONFLICT (second)
      DO UPDATE SET accepted = accepted + excluded.accepted, ended = ended + excluded.ended`);
    this.#drop = database.prepare('DELETE FROM paces WHERE second <= ? OR second > ?');
    this.#sum = database.prepare(`SELECT ifnull(sum(accepted), 0) AS accepted, ifnull(sum(ended), 0) AS ended FROM paces
      WHERE second > ? AND second <= ?`);
  }

  count(event: 'accepted' | 'ended'): void {
    if (event === 'accepted') this.#accepted += 1;
    else this.#ended += 1;
  }

  /** Entries per second over the last minute. */
  perSecond(nowMs: number): { readonly accepted: number; readonly ended: number } {
    const second = Math.floor(nowMs / 1000);
    const { accepted, ended } = this.#sum.get(second - PACE_SECONDS, second)!;
    return {
      accepted: (Number(accepted) + this.#accepted) / PACE_SECONDS,
      ended: (Number(ended) + this.#ended) / PACE_SECONDS,
    };
  }

  save(nowMs: number): void {
    if (this.#accepted + this.#ended === 0) return;
    const second = Math.floor(nowMs / 1000);
    this.#add.run(second, this.#accepted, this.#ended);
    // Also what a clock that was ahead has left.
    this.#drop.run(second - PACE_SECONDS, second + PACE_SECONDS);
    this.forget();
  }

  forget(): void {
    this.#accepted = 0;
    this.#ended = 0;
  }
}
