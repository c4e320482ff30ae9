/** How entries get into a SQLite queue, and how their outcomes are forgotten. */
import type { Acceptance, NewEntry } from '../queue.ts';
import { fullScope, retryAfterMs, roomOf } from '../shares.ts';
import { type Context, known } from './context.ts';
import { STATE } from './file.ts';
import type { Row } from './rows.ts';

/** Takes an entry in, once. */
export function accept(context: Context, entry: NewEntry): Acceptance {
  const { settings, ledger, rows } = context;
  const adding = roomOf(entry.payload);
  const scope = fullScope(settings.limits, ledger.held(entry), adding);
  // Most are new: they are looked for by being put in.
  if (scope !== undefined || !insert(context, entry, adding.bytes)) {
    const first = firstOf(context, rows.byId(entry.id)) ?? firstOf(context, byKey(context, entry.idempotencyKey));
    if (first !== undefined) {
      return first.fingerprint === entry.fingerprint ? { kind: 'repeated', id: first.id } : { kind: 'conflict' };
    }
    if (scope !== undefined) return full(context, scope);
    // What stood in the way was an outcome whose time is over.
    insert(context, entry, adding.bytes);
  }
  ledger.change(entry, { entries: 1, bytes: adding.bytes, depth: 1, ready: 1 });
  ledger.count('accepted');
  ledger.head.accepted += 1;
  return { kind: 'accepted', id: entry.id };
}

/** Clears outcomes away whose time is over, and the oldest where there are too many. */
export function forgetOutcomes({ settings, ledger, rows, nowMs }: Context, most: number): void {
  const forget = (state: number, untilMs: number, limit: number): void => {
    if (limit <= 0) return;
    for (const { seq } of rows.sql.forgettable.all(state, untilMs, Math.min(limit, most))) rows.drop({ seq: Number(seq), state });
  };
  const { done, refused, unverified } = STATE;
  for (const state of [done, refused, unverified]) forget(state, nowMs - settings.outcomesKeptMs, most);
  const { outcomes, unverifiedOutcomes } = settings.limits;
  forget(unverified, Infinity, ledger.head.unverified - unverifiedOutcomes);
  for (const state of [refused, done]) forget(state, Infinity, ledger.head.outcomes - outcomes);
}

function full({ ledger, nowMs }: Context, scope: 'queue' | 'issuer' | 'client'): Acceptance {
  return { kind: 'full', scope, retryAfterMs: retryAfterMs(ledger.head.depth, ledger.perSecond(nowMs).ended) };
}

// One that is forgotten makes room for its id and its key.
function firstOf(context: Context, row: Row | undefined): Row | undefined {
  const first = known(context, row);
  if (row !== undefined && first === undefined) context.rows.drop(row);
  return first;
}

function byKey({ rows }: Context, key: string | undefined): Row | undefined {
  return key === undefined ? undefined : rows.byKey(key);
}

// False: there is one with this id or key.
function insert({ rows }: Context, entry: NewEntry, bytes: number): boolean {
  const { id, idempotencyKey = null, fingerprint, acceptedAtMs, runBeforeMs, route, issuer, client, payload } = entry;
  const { insert: insertEntry, insertBody } = rows.sql;
  const { changes, lastInsertRowid } = insertEntry.run(
    id,
    idempotencyKey,
    fingerprint,
    acceptedAtMs,
    runBeforeMs,
    route,
    issuer,
    client,
    bytes,
  );
  if (changes === 0) return false;
  insertBody.run(lastInsertRowid, payload);
  return true;
}
