/** What a SQLite queue does, in transactions over an open file. */
import { randomUUID } from 'node:crypto';
import type { Acceptance, Claim, DeadLetter, EntryStatus, NewEntry, Outcome, QueueStats } from '../queue.ts';
import { type QueueLimits, fullScope, retryAfterMs, roomOf } from '../shares.ts';
import { STATE, inTransaction, openQueueFile, type QueueFile } from './file.ts';
import { Ledger } from './ledger.ts';
import { type Batch, type ClaimName, type Operations, type Question, READS } from './operations.ts';
import { type Row, Rows } from './rows.ts';

/** What an engine needs to know. */
export interface EngineSettings {
  readonly path: string;
  readonly limits: Required<QueueLimits>;
  readonly outcomesKeptMs: number;
}

/** How long the thread of the queue waits for another process that writes. */
const BUSY_TIMEOUT_MS = 5000;
/** Entries whose time has come, looked at in one claim. */
const MOST_DUE = 1000;
/** Outcomes forgotten with each transaction; more than can be added by the way. */
const MOST_FORGOTTEN = 64;

/** An open queue. */
export class QueueEngine {
  readonly #settings: EngineSettings;
  readonly #file: QueueFile;
  readonly #ledger: Ledger;
  readonly #rows: Rows;
  #nowMs = 0;

  /** @throws what node:sqlite throws; WatchwordError `config_invalid` for a file that is not a queue */
  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.#file = openQueueFile(settings.path, BUSY_TIMEOUT_MS);
    this.#ledger = new Ledger(this.#file.database);
    this.#rows = new Rows(this.#file.database, this.#ledger);
  }

  isInPlace(): boolean {
    return this.#file.isInPlace();
  }

  /** Answers all questions in one transaction, durable on return. @throws what node:sqlite throws; then nothing was done */
  run({ nowMs, questions }: Batch): readonly unknown[] {
    this.#nowMs = nowMs;
    this.#ledger.forget();
    const isReading = questions.every(({ name }) => READS.has(name));
    return inTransaction(this.#file.database, isReading ? 'DEFERRED' : 'IMMEDIATE', () => {
      const answers = questions.map((question) => this.#answer(question));
      if (!isReading) {
        this.#forgetOutcomes(MOST_FORGOTTEN + 2 * questions.length);
        this.#ledger.save(nowMs);
      }
      return answers;
    });
  }

  close(): void {
    this.#file.database.close();
  }

  #answer(question: Question): Operations[keyof Operations]['answer'] {
    switch (question.name) {
      case 'accept':
        return this.#accept(question.ask);
      case 'claim':
        return this.#claim(question.ask);
      case 'extend':
        return this.#extend(question.ask);
      case 'settle':
        return question.ask.map(([claim, outcome]) => this.#settle(claim, outcome));
      case 'release':
        return question.ask.map((release) => this.#release(release));
      case 'status':
        return this.#status(question.ask);
      case 'stats':
        return this.#stats();
      case 'dead':
        return this.#dead(question.ask);
      case 'replay':
        return question.ask.filter((id) => this.#replay(id));
      case 'purge':
        return question.ask.filter((id) => this.#purge(id));
    }
  }

  #accept(entry: NewEntry): Acceptance {
    const adding = roomOf(entry.payload);
    const scope = fullScope(this.#settings.limits, this.#ledger.held(entry), adding);
    // Most are new: they are looked for by being put in.
    if (scope !== undefined || !this.#insert(entry, adding.bytes)) {
      const first = this.#first(this.#rows.byId(entry.id)) ?? this.#first(this.#byKey(entry.idempotencyKey));
      if (first !== undefined) {
        return first.fingerprint === entry.fingerprint ? { kind: 'repeated', id: first.id } : { kind: 'conflict' };
      }
      if (scope !== undefined) return this.#full(scope);
      // What stood in the way was an outcome whose time is over.
      this.#insert(entry, adding.bytes);
    }
    this.#ledger.change(entry, { entries: 1, bytes: adding.bytes, depth: 1, ready: 1 });
    this.#ledger.count('accepted');
    this.#ledger.head.accepted += 1;
    return { kind: 'accepted', id: entry.id };
  }

  #full(scope: 'queue' | 'issuer' | 'client'): Acceptance {
    const { depth } = this.#ledger.head;
    return { kind: 'full', scope, retryAfterMs: retryAfterMs(depth, this.#ledger.perSecond(this.#nowMs).ended) };
  }

  #claim({ most, leaseMs }: Operations['claim']['ask']): readonly Claim[] {
    // Who let a lease run out may still settle until somebody else claims the entry: the token stays.
    for (const row of this.#rows.due(STATE.claimed, this.#nowMs, Math.max(most, MOST_DUE))) {
      this.#rows.move(row, STATE.ready, { token: row.token, due: null });
    }
    for (const row of this.#rows.due(STATE.delayed, this.#nowMs, Math.max(most, MOST_DUE))) {
      this.#rows.move(row, STATE.ready, { token: null, due: null });
    }
    const token = randomUUID();
    const claims: Claim[] = [];
    while (claims.length < most) {
      const owner = this.#ledger.takeTurn();
      if (owner === undefined) break;
      const row = this.#rows.nextOf(owner);
      if (row === undefined) throw new Error('engine: a client with work, but no entry');
      const attempt = row.attempts + 1;
      const leaseUntilMs = this.#nowMs + leaseMs;
      this.#rows.move(row, STATE.claimed, { attempts: attempt, token, due: leaseUntilMs });
      claims.push({ entry: this.#entry(row), token, attempt, leaseUntilMs });
    }
    return claims;
  }

  #extend({ claims, leaseMs }: Operations['extend']['ask']): readonly (number | undefined)[] {
    return claims.map((claim) => {
      const row = this.#holding(claim);
      if (row === undefined) return undefined;
      const leaseUntilMs = this.#nowMs + leaseMs;
      this.#rows.move(row, STATE.claimed, { token: claim.token, due: leaseUntilMs });
      return leaseUntilMs;
    });
  }

  #settle(claim: ClaimName, outcome: Outcome): boolean {
    const row = this.#holding(claim);
    if (row === undefined) return false;
    const status = outcome.state === 'done' ? outcome.status : null;
    const reason = outcome.state === 'done' ? null : outcome.reason;
    this.#rows.sql.end.run(STATE[outcome.state], this.#nowMs, status, reason, row.seq);
    const ready = -Number(row.state === STATE.ready);
    // A dead letter keeps its body, and so its room.
    const room = outcome.state === 'dead' ? {} : { entries: -1, bytes: -row.bytes };
    this.#ledger.change(row, { ...room, depth: -1, ready });
    if (outcome.state === 'done' && outcome.result !== undefined) this.#rows.sql.insertBody.run(row.seq, outcome.result);
    else if (outcome.state !== 'dead') this.#rows.sql.dropBody.run(row.seq);
    this.#ledger.count('ended');
    this.#ledger.head[outcome.state] += 1;
    return true;
  }

  #release({ notBeforeMs, isUntouched, ...claim }: Operations['release']['ask'][number]): boolean {
    const row = this.#holding(claim);
    if (row === undefined) return false;
    const isReady = notBeforeMs <= this.#nowMs;
    const attempts = row.attempts - Number(isUntouched);
    this.#rows.move(row, isReady ? STATE.ready : STATE.delayed, { attempts, token: null, due: isReady ? null : notBeforeMs });
    return true;
  }

  #status(id: string): EntryStatus | undefined {
    const row = this.#known(this.#rows.byId(id));
    if (row === undefined) return undefined;
    const { accepted_at: acceptedAtMs, route, client, attempts } = row;
    return { id, acceptedAtMs, route, client, attempts, ...this.#stateOf(row) } as EntryStatus;
  }

  #stateOf(row: Row): object {
    const endedAtMs = row.ended_at;
    if (row.state === STATE.done) return { state: 'done', status: row.status, result: this.#rows.body(row.seq), endedAtMs };
    if (row.state === STATE.refused) return { state: 'refused', reason: row.reason, endedAtMs };
    if (row.state === STATE.dead) return { state: 'dead', reason: row.reason, endedAtMs };
    return { state: row.state === STATE.claimed && row.due! > this.#nowMs ? 'claimed' : 'accepted' };
  }

  #stats(): QueueStats {
    const { sql } = this.#rows;
    const { entries, depth, accepted, done, refused, dead, replayed, purged } = this.#ledger.head;
    const oldest = sql.oldest.get()?.['accepted_at'];
    return {
      depth,
      claimed: Number(sql.claimed.get(this.#nowMs)!['count']),
      oldestAgeMs: oldest === undefined ? 0 : Math.max(0, this.#nowMs - Number(oldest)),
      dead: entries - depth,
      perSecond: this.#ledger.perSecond(this.#nowMs),
      totals: { accepted, done, refused, dead, replayed, purged },
      byIssuer: Object.fromEntries(sql.byIssuer.all().map((row) => [String(row['issuer']), Number(row['depth'])])),
    };
  }

  #dead({ after, limit }: Operations['dead']['ask']): readonly DeadLetter[] {
    const last = after === undefined ? undefined : this.#rows.byId(after);
    const from = last?.state === STATE.dead ? ([last.ended_at!, last.seq] as const) : ([-Number.MAX_VALUE, 0] as const);
    return (this.#rows.sql.dead.all(...from, limit) as unknown as readonly Row[]).map((row) => ({
      id: row.id,
      route: row.route,
      issuer: row.issuer,
      acceptedAtMs: row.accepted_at,
      endedAtMs: row.ended_at!,
      attempts: row.attempts,
      reason: row.reason!,
    }));
  }

  #replay(id: string): boolean {
    const row = this.#rows.byId(id);
    if (row?.state !== STATE.dead || row.run_before <= this.#nowMs) return false;
    this.#rows.sql.revive.run(row.seq);
    this.#ledger.change(row, { depth: 1, ready: 1 });
    this.#ledger.head.replayed += 1;
    return true;
  }

  #purge(id: string): boolean {
    const row = this.#rows.byId(id);
    if (row?.state !== STATE.dead) return false;
    this.#rows.drop(row.seq);
    this.#ledger.change(row, { entries: -1, bytes: -row.bytes });
    this.#ledger.head.purged += 1;
    return true;
  }

  // False: there is one with this id or key.
  #insert(entry: NewEntry, bytes: number): boolean {
    const { id, idempotencyKey = null, fingerprint, acceptedAtMs, runBeforeMs, route, issuer, client, payload } = entry;
    const { insert, insertBody } = this.#rows.sql;
    const { changes, lastInsertRowid } = insert.run(
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

  #entry(row: Row): NewEntry {
    return {
      id: row.id,
      acceptedAtMs: row.accepted_at,
      runBeforeMs: row.run_before,
      route: row.route,
      issuer: row.issuer,
      client: row.client,
      idempotencyKey: row.idempotency_key ?? undefined,
      fingerprint: row.fingerprint,
      payload: this.#rows.body(row.seq)!,
    };
  }

  #holding({ id, token }: ClaimName): Row | undefined {
    const row = this.#rows.byId(id);
    return row !== undefined && row.token === token ? row : undefined;
  }

  #byKey(key: string | undefined): Row | undefined {
    return key === undefined ? undefined : this.#rows.byKey(key);
  }

  // One that is forgotten makes room for its id and its key.
  #first(row: Row | undefined): Row | undefined {
    const known = this.#known(row);
    if (row !== undefined && known === undefined) this.#rows.drop(row.seq);
    return known;
  }

  // An outcome is forgotten when its time is over, whether or not it has been cleared away.
  #known(row: Row | undefined): Row | undefined {
    if (row === undefined || (row.state !== STATE.done && row.state !== STATE.refused)) return row;
    if (row.ended_at! + this.#settings.outcomesKeptMs > this.#nowMs) return row;
    return undefined;
  }

  #forgetOutcomes(most: number): void {
    const { forgettable } = this.#rows.sql;
    for (const { seq } of forgettable.all(this.#nowMs - this.#settings.outcomesKeptMs, most)) this.#rows.drop(Number(seq));
  }
}
