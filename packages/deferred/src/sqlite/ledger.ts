/** Who holds how much of a queue, whose turn it is, and the totals; read once and written once in a transaction. */
import type * as Sqlite from 'node:sqlite';
import type { Held } from '../shares.ts';
import { STATE } from './file.ts';

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

/** What an issuer or a client holds. */
interface Account {
  entries: number;
  bytes: number;
  depth: number;
  ready: number;
  turn: number;
}

/** A change of what is held. */
export type Change = Partial<Omit<Account, 'turn'>>;

/** What one entry belongs to. */
export interface Owner {
  readonly issuer: string;
  readonly client: string;
}

type Name =
  | 'look'
  | 'dropIssuers'
  | 'dropClients'
  | 'countIssuers'
  | 'countClients'
  | 'countAll'
  | 'countEnded'
  | 'head'
  | 'saveHead'
  | 'issuer'
  | 'saveIssuer'
  | 'dropIssuer'
  | 'client'
  | 'saveClient'
  | 'dropClient'
  | 'next'
  | 'pace';

const PACE_SECONDS = 60;
/** What takes room, and what is counted of it. */
const HELD = `FROM entries WHERE state <= ${STATE.claimed} OR state = ${STATE.dead}`;
const COUNTS = `count(*), sum(bytes), sum(state <= ${STATE.claimed}), sum(state = ${STATE.ready})`;

export class Ledger {
  readonly #database: Sqlite.DatabaseSync;
  readonly #statements: Record<Name | 'nextClient' | 'forgetPaces' | 'paces', Sqlite.StatementSync>;
  readonly #issuers = new Map<string, Account>();
  readonly #clients = new Map<string, Map<string, Account>>();
  #head: Head | undefined;
  #accepted = 0;
  #ended = 0;

  constructor(database: Sqlite.DatabaseSync) {
    this.#database = database;
    this.#statements = this.#prepare();
  }

  /** The totals, to be changed in place. */
  get head(): Head {
    return (this.#head ??= { ...(this.#statements.head.get() as unknown as Head) });
  }

  held(owner: Owner): Held {
    return { queue: this.head, issuer: this.#issuer(owner.issuer), client: this.#client(owner) };
  }

  change(owner: Owner, change: Change): void {
    const { head } = this;
    head.entries += change.entries ?? 0;
    head.bytes += change.bytes ?? 0;
    head.depth += change.depth ?? 0;
    for (const account of [this.#issuer(owner.issuer), this.#client(owner)]) {
      // Whoever had nothing waiting joins at the end of the round.
      if (account.ready === 0 && (change.ready ?? 0) > 0) account.turn = this.#nextTurn();
      account.entries += change.entries ?? 0;
      account.bytes += change.bytes ?? 0;
      account.depth += change.depth ?? 0;
      account.ready += change.ready ?? 0;
    }
  }

  /** Whose turn it is. Afterwards it is last in the round. A client without entries, where the accounts are wrong. */
  takeTurn(): Owner | undefined {
    this.#saveAccounts();
    const issuer = this.#statements.next.get()?.['issuer'];
    if (issuer === undefined) return undefined;
    const client = this.#statements.nextClient.get(issuer)?.['client'];
    const owner = { issuer: String(issuer), client: String(client ?? '') };
    this.#issuer(owner.issuer).turn = this.#nextTurn();
    this.#client(owner).turn = this.#nextTurn();
    return owner;
  }

  /** Whether something waits of which nothing is known here, or the other way round: rows were deleted, or changed, by hand. */
  isWrong(): boolean {
    this.#saveAccounts();
    const { waiting, ready } = this.#statements.look.get()!;
    const isReadyKnown = this.#statements.next.get() !== undefined;
    return (waiting === 1) !== this.head.depth > 0 || (ready === 1) !== isReadyKnown;
  }

  /** Counts what the entries say, and forgets what was written here. */
  recount(): void {
    this.#issuers.clear();
    this.#clients.clear();
    const { dropIssuers, dropClients, countIssuers, countClients, countAll, countEnded } = this.#statements;
    dropIssuers.run();
    dropClients.run();
    countIssuers.run();
    countClients.run();
    Object.assign(this.head, countAll.get(), countEnded.get());
  }

  /** An outcome of this state has come or gone. */
  countOutcome(state: number, by: number): void {
    if (state === STATE.unverified) this.head.unverified += by;
    else if (state !== STATE.dead) this.head.outcomes += by;
  }

  count(event: 'accepted' | 'ended'): void {
    if (event === 'accepted') this.#accepted += 1;
    else this.#ended += 1;
  }

  /** Entries per second over the last minute. */
  perSecond(nowMs: number): { readonly accepted: number; readonly ended: number } {
    const second = Math.floor(nowMs / 1000);
    const { accepted, ended } = this.#statements.paces.get(second - PACE_SECONDS, second)!;
    return {
      accepted: (Number(accepted) + this.#accepted) / PACE_SECONDS,
      ended: (Number(ended) + this.#ended) / PACE_SECONDS,
    };
  }

  /** Writes what has changed: the last thing in a transaction. */
  save(nowMs: number): void {
    this.#saveAccounts();
    if (this.#head !== undefined) {
      const { entries, bytes, depth, turn, accepted, done, refused, dead, replayed, purged, outcomes, unverified } = this.#head;
      this.#statements.saveHead.run(
        entries,
        bytes,
        depth,
        turn,
        accepted,
        done,
        refused,
        dead,
        replayed,
        purged,
        outcomes,
        unverified,
      );
    }
    if (this.#accepted + this.#ended > 0) {
      const second = Math.floor(nowMs / 1000);
      this.#statements.pace.run(second, this.#accepted, this.#ended);
      // Also what a clock that was ahead has left.
      this.#statements.forgetPaces.run(second - PACE_SECONDS, second + PACE_SECONDS);
    }
    this.forget();
  }

  /** Forgets what was read: the transaction is over. */
  forget(): void {
    this.#issuers.clear();
    this.#clients.clear();
    this.#head = undefined;
    this.#accepted = 0;
    this.#ended = 0;
  }

  #nextTurn(): number {
    return (this.head.turn += 1);
  }

  #issuer(issuer: string): Account {
    let account = this.#issuers.get(issuer);
    if (account === undefined) {
      account = accountOf(this.#statements.issuer.get(issuer));
      this.#issuers.set(issuer, account);
    }
    return account;
  }

  #client({ issuer, client }: Owner): Account {
    let clients = this.#clients.get(issuer);
    if (clients === undefined) {
      clients = new Map();
      this.#clients.set(issuer, clients);
    }
    let account = clients.get(client);
    if (account === undefined) {
      account = accountOf(this.#statements.client.get(issuer, client));
      clients.set(client, account);
    }
    return account;
  }

  #saveAccounts(): void {
    const { saveIssuer, dropIssuer, saveClient, dropClient } = this.#statements;
    for (const [issuer, { entries, bytes, depth, ready, turn }] of this.#issuers) {
      if (entries === 0) dropIssuer.run(issuer);
      else saveIssuer.run(issuer, entries, bytes, depth, ready, turn);
    }
    for (const [issuer, clients] of this.#clients) {
      for (const [client, { entries, bytes, depth, ready, turn }] of clients) {
        if (entries === 0) dropClient.run(issuer, client);
        else saveClient.run(issuer, client, entries, bytes, depth, ready, turn);
      }
    }
    this.#issuers.clear();
    this.#clients.clear();
  }

  #prepare(): Record<Name | 'nextClient' | 'forgetPaces' | 'paces', Sqlite.StatementSync> {
    const prepare = (sql: string): Sqlite.StatementSync => this.#database.prepare(sql);
    return {
      head: prepare(
        'SELECT entries, bytes, depth, turn, accepted, done, refused, dead, replayed, purged, outcomes, unverified FROM head',
      ),
      saveHead:
        prepare(`UPDATE head SET entries = ?, bytes = ?, depth = ?, turn = ?, accepted = ?, done = ?, refused = ?, dead = ?,
        replayed = ?, purged = ?, outcomes = ?, unverified = ?`),
      issuer: prepare('SELECT entries, bytes, depth, ready, turn FROM issuers WHERE issuer = ?'),
      saveIssuer: prepare('INSERT OR REPLACE INTO issuers VALUES (?, ?, ?, ?, ?, ?)'),
      dropIssuer: prepare('DELETE FROM issuers WHERE issuer = ?'),
      client: prepare('SELECT entries, bytes, depth, ready, turn FROM clients WHERE issuer = ? AND client = ?'),
      saveClient: prepare('INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?, ?, ?, ?)'),
      dropClient: prepare('DELETE FROM clients WHERE issuer = ? AND client = ?'),
      next: prepare('SELECT issuer FROM issuers WHERE ready > 0 ORDER BY turn LIMIT 1'),
      nextClient: prepare('SELECT client FROM clients WHERE issuer = ? AND ready > 0 ORDER BY turn LIMIT 1'),
      look: prepare(`SELECT EXISTS (SELECT 1 FROM entries WHERE state <= ${STATE.claimed}) AS waiting,
        EXISTS (SELECT 1 FROM entries WHERE state = ${STATE.ready}) AS ready`),
      dropIssuers: prepare('DELETE FROM issuers'),
      dropClients: prepare('DELETE FROM clients'),
      countIssuers: prepare(`INSERT INTO issuers SELECT issuer, ${COUNTS}, 0 ${HELD} GROUP BY issuer`),
      countClients: prepare(`INSERT INTO clients SELECT issuer, client, ${COUNTS}, 0 ${HELD} GROUP BY issuer, client`),
      countAll: prepare(`SELECT count(*) AS entries, ifnull(sum(bytes), 0) AS bytes,
        ifnull(sum(state <= ${STATE.claimed}), 0) AS depth ${HELD}`),
      countEnded: prepare(`SELECT ifnull(sum(state <> ${STATE.unverified}), 0) AS outcomes,
        ifnull(sum(state = ${STATE.unverified}), 0) AS unverified FROM entries WHERE state IN (3, 4, 6)`),
      pace: prepare(`INSERT INTO paces VALUES (?, ?, ?) ON CONFLICT (second)
        DO UPDATE SET accepted = accepted + excluded.accepted, ended = ended + excluded.ended`),
      forgetPaces: prepare('DELETE FROM paces WHERE second <= ? OR second > ?'),
      paces: prepare(`SELECT ifnull(sum(accepted), 0) AS accepted, ifnull(sum(ended), 0) AS ended FROM paces
        WHERE second > ? AND second <= ?`),
    };
  }
}

function accountOf(row: Record<string, unknown> | undefined): Account {
  return row === undefined ? { entries: 0, bytes: 0, depth: 0, ready: 0, turn: 0 } : { ...(row as unknown as Account) };
}
