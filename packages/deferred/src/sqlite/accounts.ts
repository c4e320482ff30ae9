/** What each issuer and each client holds of a queue, and its place in the round; read on use, written back by `save`. */
import type * as Sqlite from 'node:sqlite';
import { HELD, STATE } from './file.ts';

/** What an issuer or a client holds. */
export interface Account {
  entries: number;
  bytes: number;
  depth: number;
  ready: number;
  turn: number;
}

/** What one entry belongs to. */
export interface Owner {
  readonly issuer: string;
  readonly client: string;
}

const COUNTS = `count(*), sum(bytes), sum(state <= ${STATE.claimed}), sum(state = ${STATE.ready})`;

export class Accounts {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #issuers = new Map<string, Account>();
  readonly #clients = new Map<string, Map<string, Account>>();

  constructor(database: Sqlite.DatabaseSync) {
    this.#statements = prepare(database);
  }

  /** To be changed in place. */
  issuer(issuer: string): Account {
    let account = this.#issuers.get(issuer);
    if (account === undefined) {
      account = accountOf(this.#statements.issuer.get(issuer));
      this.#issuers.set(issuer, account);
    }
    return account;
  }

  /** To be changed in place. */
  client({ issuer, client }: Owner): Account {
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

  /** The first in the round of those with something to claim. A client without entries, where the accounts are wrong. */
  first(): Owner | undefined {
    this.save();
    const issuer = this.#statements.firstIssuer.get()?.['issuer'];
    if (issuer === undefined) return undefined;
    const client = this.#statements.firstClient.get(issuer)?.['client'];
    return { issuer: String(issuer), client: String(client ?? '') };
  }

  /** Counts what the entries say, and forgets what was written here. */
  recount(): void {
    this.forget();
    const { dropIssuers, dropClients, countIssuers, countClients } = this.#statements;
    dropIssuers.run();
    dropClients.run();
    countIssuers.run();
    countClients.run();
  }

  save(): void {
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
    this.forget();
  }

  forget(): void {
    this.#issuers.clear();
    this.#clients.clear();
  }
}

function prepare(database: Sqlite.DatabaseSync) {
  return {
    issuer: database.prepare('SELECT entries, bytes, depth, ready, turn FROM issuers WHERE issuer = ?'),
    saveIssuer: database.prepare('INSERT OR REPLACE INTO issuers VALUES (?, ?, ?, ?, ?, ?)'),
    dropIssuer: database.prepare('DELETE FROM issuers WHERE issuer = ?'),
    client: database.prepare('SELECT entries, bytes, depth, ready, turn FROM clients WHERE issuer = ? AND client = ?'),
    saveClient: database.prepare('INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?, ?, ?, ?)'),
    dropClient: database.prepare('DELETE FROM clients WHERE issuer = ? AND client = ?'),
    firstIssuer: database.prepare('SELECT issuer FROM issuers WHERE ready > 0 ORDER BY turn LIMIT 1'),
    firstClient: database.prepare('SELECT client FROM clients WHERE issuer = ? AND ready > 0 ORDER BY turn LIMIT 1'),
    dropIssuers: database.prepare('DELETE FROM issuers'),
    dropClients: database.prepare('DELETE FROM clients'),
    countIssuers: database.prepare(`INSERT INTO issuers SELECT issuer, ${COUNTS}, 0 ${HELD} GROUP BY issuer`),
    countClients: database.prepare(`INSERT INTO clients SELECT issuer, client, ${COUNTS}, 0 ${HELD} GROUP BY issuer, client`),
  };
}

function accountOf(row: Record<string, unknown> | undefined): Account {
  return row === undefined ? { entries: 0, bytes: 0, depth: 0, ready: 0, turn: 0 } : { ...(row as unknown as Account) };
}
