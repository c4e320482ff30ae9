/** What the operations of a SQLite queue work with. */
import type { QueueLimits } from '../shares.ts';
import { STATE } from './file.ts';
import type { Ledger } from './ledger.ts';
import type { ClaimName } from './operations.ts';
import type { Row, Rows } from './rows.ts';

/** What an engine needs to know. */
export interface EngineSettings {
  readonly path: string;
  readonly limits: Required<QueueLimits>;
  readonly outcomesKeptMs: number;
}

/** One transaction. */
export interface Context {
  readonly settings: EngineSettings;
  readonly ledger: Ledger;
  readonly rows: Rows;
  readonly nowMs: number;
}

/** Whether it is the state of an outcome that will be forgotten. */
export function isOutcome(state: number): boolean {
  return state === STATE.done || state === STATE.refused || state === STATE.unverified;
}

/** The entry of a claim that is still held. */
export function holding({ rows }: Context, { id, token }: ClaimName): Row | undefined {
  const row = rows.byId(id);
  return row !== undefined && row.token === token ? row : undefined;
}

/** An outcome is forgotten when its time is over, whether or not it has been cleared away. */
export function known({ settings, nowMs }: Context, row: Row | undefined): Row | undefined {
  if (row === undefined || !isOutcome(row.state)) return row;
  if (row.ended_at! + settings.outcomesKeptMs > nowMs) return row;
  return undefined;
}
