/** How entries of a SQLite queue get into the hands of workers, and out of them. */
import { randomUUID } from 'node:crypto';
import type { Claim, NewEntry, Outcome } from '../queue.ts';
import { type Context, holding } from './context.ts';
import { STATE } from './file.ts';
import type { ClaimName, Operations } from './operations.ts';
import type { Row } from './rows.ts';

/** Entries whose time has come, looked at in one claim. */
const MOST_DUE = 1000;
/** In one claim. */
const MOST_RECOUNTS = 3;

/** Hands out what can be claimed, by turns. */
export function claim(context: Context, { most, leaseMs }: Operations['claim']['ask']): readonly Claim[] {
  const { ledger, rows, nowMs } = context;
  // Who let a lease run out may still settle until somebody else claims the entry: the token stays.
  for (const row of rows.due(STATE.claimed, nowMs, Math.max(most, MOST_DUE))) {
    rows.move(row, STATE.ready, { token: row.token, due: null });
  }
  for (const row of rows.due(STATE.delayed, nowMs, Math.max(most, MOST_DUE))) {
    rows.move(row, STATE.ready, { token: null, due: null });
  }
  const token = randomUUID();
  const claims: Claim[] = [];
  for (let recounts = 0; claims.length < most;) {
    const owner = ledger.takeTurn();
    if (owner === undefined && (claims.length > 0 || !ledger.isWrong())) break;
    const row = owner && rows.nextOf(owner);
    if (row !== undefined) claims.push(...claimOf(context, row, token, leaseMs));
    else {
      // Somebody has deleted entries, or changed them. Where counting does not help, the file itself is broken.
      if ((recounts += 1) > MOST_RECOUNTS) throw new Error('engine: the file contradicts itself');
      ledger.recount();
    }
  }
  return claims;
}

function claimOf(context: Context, row: Row, token: string, leaseMs: number): readonly Claim[] {
  const { rows, nowMs } = context;
  const payload = rows.body(row.seq);
  if (payload === undefined) {
    // Deleted, too: there is nothing to run, and that is told to whoever asks.
    finish(context, row, { state: 'refused', reason: 'payload_lost' });
    return [];
  }
  const attempt = row.attempts + 1;
  const leaseUntilMs = nowMs + leaseMs;
  rows.move(row, STATE.claimed, { attempts: attempt, token, due: leaseUntilMs });
  return [{ entry: entryOf(row, payload), token, attempt, leaseUntilMs }];
}

/** Until when each is held now; undefined: it is not. */
export function extend(context: Context, { claims, leaseMs }: Operations['extend']['ask']): Operations['extend']['answer'] {
  const leaseUntilMs = context.nowMs + leaseMs;
  return claims.map((name) => {
    const row = holding(context, name);
    if (row === undefined) return undefined;
    context.rows.move(row, STATE.claimed, { token: name.token, due: leaseUntilMs });
    return leaseUntilMs;
  });
}

/** Ends entries. */
export function settle(context: Context, ask: Operations['settle']['ask']): readonly boolean[] {
  return ask.map(([name, outcome]) => end(context, name, outcome));
}

/** Gives entries back. */
export function release(context: Context, ask: Operations['release']['ask']): readonly boolean[] {
  return ask.map(({ notBeforeMs, isUntouched, ...name }) => {
    const row = holding(context, name);
    if (row === undefined) return false;
    const isReady = notBeforeMs <= context.nowMs;
    const attempts = row.attempts - Number(isUntouched);
    const due = isReady ? null : notBeforeMs;
    context.rows.move(row, isReady ? STATE.ready : STATE.delayed, { attempts, token: null, due });
    return true;
  });
}

function end(context: Context, name: ClaimName, outcome: Outcome): boolean {
  const row = holding(context, name);
  if (row === undefined) return false;
  finish(context, row, outcome);
  return true;
}

function finish({ ledger, rows, nowMs }: Context, row: Row, outcome: Outcome): void {
  const status = outcome.state === 'done' ? outcome.status : null;
  const reason = outcome.state === 'done' ? null : outcome.reason;
  const state = outcome.state === 'refused' && outcome.isUnverified === true ? STATE.unverified : STATE[outcome.state];
  rows.sql.end.run(state, nowMs, status, reason, row.seq);
  ledger.countOutcome(state, 1);
  const ready = -Number(row.state === STATE.ready);
  // A dead letter keeps its body, and so its room.
  const room = outcome.state === 'dead' ? {} : { entries: -1, bytes: -row.bytes };
  ledger.change(row, { ...room, depth: -1, ready });
  if (outcome.state === 'done' && outcome.result !== undefined) rows.sql.insertBody.run(row.seq, outcome.result);
  else if (outcome.state !== 'dead') rows.sql.dropBody.run(row.seq);
  ledger.count('ended');
  ledger.head[outcome.state] += 1;
}

function entryOf(row: Row, payload: Uint8Array): NewEntry {
  return {
    id: row.id,
    acceptedAtMs: row.accepted_at,
    runBeforeMs: row.run_before,
    route: row.route,
    issuer: row.issuer,
    client: row.client,
    idempotencyKey: row.idempotency_key ?? undefined,
    fingerprint: row.fingerprint,
    payload,
  };
}
