/** Who holds how much of a queue, whose turn it is, and the totals; read once and written once in a transaction. */
import type * as Sqlite from 'node:sqlite';
import type { Held } from '../shares.ts';
import { type Account, Accounts, type Owner } from './accounts.ts';
import { STATE } from './file.ts';
import { Paces } from './paces.ts';
import { type Head, Totals } from './totals.ts';

/** A change of what is held. */
export type Change = Partial<Omit<Account, 'turn'>>;

export class Ledger {
  readonly #totals: Totals;
  readonly #accounts: Accounts;
  readonly #paces: Paces;
  readonly #look: Sqlite.StatementSync;

  constructor(database: Sqlite.DatabaseSync) {
    this.#totals = new Totals(database);
    this.#accounts = new Accounts(database);
    this.#paces = new Paces(database);
    this.#look = database.prepare(`SELECT EXISTS (SELECT 1 FROM entries WHERE state <= ${STATE.claimed}) AS waiting,
      EXISTS (SELECT 1 FROM entries WHERE state = ${STATE.ready}) AS ready`);
  }

  /** The totals, to be changed in place. */
  get head(): Head {
    return this.#totals.head;
  }

  held(owner: Owner): Held {
    return { queue: this.head, issuer: this.#accounts.issuer(owner.issuer), client: this.#accounts.client(owner) };
  }

  change(owner: Owner, change: Change): void {
    const { head } = this;
    head.entries += change.entries ?? 0;
    head.bytes += change.bytes ?? 0;
    head.depth += change.depth ?? 0;
    for (const account of [this.#accounts.issuer(owner.issuer), this.#accounts.client(owner)]) {
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
    const owner = this.#accounts.first();
    if (owner === undefined) return undefined;
    this.#accounts.issuer(owner.issuer).turn = this.#nextTurn();
    this.#accounts.client(owner).turn = this.#nextTurn();
    return owner;
  }

  /** Whether something waits of which nothing is known here, or the other way round: rows were deleted, or changed, by hand. */
  isWrong(): boolean {
    const isReadyKnown = this.#accounts.first() !== undefined;
    const { waiting, ready } = this.#look.get()!;
    return (waiting === 1) !== this.head.depth > 0 || (ready === 1) !== isReadyKnown;
  }

  /** Counts what the entries say, and forgets what was written here. */
  recount(): void {
    this.#accounts.recount();
    this.#totals.recount();
  }

  /** An outcome of this state has come or gone. */
  countOutcome(state: number, by: number): void {
    if (state === STATE.unverified) this.head.unverified += by;
    else if (state !== STATE.dead) this.head.outcomes += by;
  }

  count(event: 'accepted' | 'ended'): void {
    this.#paces.count(event);
  }

  /** Entries per second over the last minute. */
  perSecond(nowMs: number): { readonly accepted: number; readonly ended: number } {
    return this.#paces.perSecond(nowMs);
  }

  /** Writes what has changed: the last thing in a transaction. */
  save(nowMs: number): void {
    this.#accounts.save();
    this.#totals.save();
    this.#paces.save(nowMs);
  }

  /** Forgets what was read: the transaction is over. */
  forget(): void {
    this.#accounts.forget();
    this.#totals.forget();
    this.#paces.forget();
  }

  #nextTurn(): number {
    return (this.head.turn += 1);
  }
}
