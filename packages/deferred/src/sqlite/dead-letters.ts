/** The dead letters of a SQLite queue: told, put back, forgotten. */
import type { DeadLetter } from '../queue.ts';
import type { Context } from './context.ts';
import { STATE } from './file.ts';
import type { Operations } from './operations.ts';
import type { Row } from './rows.ts';

/** A page of them. */
export function dead({ rows }: Context, { after, limit }: Operations['dead']['ask']): readonly DeadLetter[] {
  const last = after === undefined ? undefined : rows.byId(after);
  const from = last?.state === STATE.dead ? ([last.ended_at!, last.seq] as const) : ([-Number.MAX_VALUE, 0] as const);
  return (rows.sql.dead.all(...from, limit) as unknown as readonly Row[]).map((row) => ({
    id: row.id,
    route: row.route,
    issuer: row.issuer,
    acceptedAtMs: row.accepted_at,
    endedAtMs: row.ended_at!,
    attempts: row.attempts,
    reason: row.reason!,
  }));
}

/** Puts back those that may still run. */
export function replay({ ledger, rows, nowMs }: Context, ids: readonly string[]): readonly string[] {
  return ids.filter((id) => {
    const row = rows.byId(id);
    if (row?.state !== STATE.dead || row.run_before <= nowMs) return false;
    rows.sql.revive.run(row.seq);
    ledger.change(row, { depth: 1, ready: 1 });
    ledger.head.replayed += 1;
    return true;
  });
}

/** Forgets them. */
export function purge({ ledger, rows }: Context, ids: readonly string[]): readonly string[] {
  return ids.filter((id) => {
    const row = rows.byId(id);
    if (row?.state !== STATE.dead) return false;
    rows.drop(row);
    ledger.change(row, { entries: -1, bytes: -row.bytes });
    ledger.head.purged += 1;
    return true;
  });
}
