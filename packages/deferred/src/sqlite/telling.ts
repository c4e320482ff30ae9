/** What a SQLite queue says of its entries, without changing anything. */
import type { EntryStatus, QueueStats } from '../queue.ts';
import { type Context, known } from './context.ts';
import { STATE } from './file.ts';
import type { Row } from './rows.ts';

/** What is known of one entry. */
export function status(context: Context, id: string): EntryStatus | undefined {
  const row = known(context, context.rows.byId(id));
  if (row === undefined) return undefined;
  const { accepted_at: acceptedAtMs, route, client, attempts } = row;
  return { id, acceptedAtMs, route, client, attempts, ...stateOf(context, row) } as EntryStatus;
}

/** The figures. */
export function stats({ ledger, rows: { sql }, nowMs }: Context): QueueStats {
  const { entries, depth, accepted, done, refused, dead, replayed, purged } = ledger.head;
  const oldest = sql.oldest.get()?.['accepted_at'];
  return {
    depth,
    claimed: Number(sql.claimed.get(nowMs)!['count']),
    oldestAgeMs: oldest === undefined ? 0 : Math.max(0, nowMs - Number(oldest)),
    dead: entries - depth,
    perSecond: ledger.perSecond(nowMs),
    totals: { accepted, done, refused, dead, replayed, purged },
    byIssuer: Object.fromEntries(sql.byIssuer.all().map((row) => [String(row['issuer']), Number(row['depth'])])),
  };
}

function stateOf({ rows, nowMs }: Context, row: Row): object {
  const endedAtMs = row.ended_at;
  if (row.state === STATE.done) return { state: 'done', status: row.status, result: rows.body(row.seq), endedAtMs };
  if (row.state === STATE.refused || row.state === STATE.unverified) return { state: 'refused', reason: row.reason, endedAtMs };
  if (row.state === STATE.dead) return { state: 'dead', reason: row.reason, endedAtMs };
  return { state: row.state === STATE.claimed && row.due! > nowMs ? 'claimed' : 'accepted' };
}
