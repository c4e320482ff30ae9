/** A plain queue, to compare with: what may be claimed, who holds what, what has ended. */
import { type Claim, type Held, type NewEntry, type Outcome, type Room, roomOf } from '../../src/index.ts';

/** An entry of the model. */
export interface ModelEntry {
  readonly entry: NewEntry;
  readonly order: number;
  attempts: number;
  token: string | undefined;
  /** When its lease runs out, or when it may be claimed again. */
  dueMs: number;
  outcome: Outcome | undefined;
  endedAtMs: number;
}

/** Whether something is so; undefined: it may be either, since the clock has gone back. */
export type Maybe = boolean | undefined;

export class QueueModel {
  readonly entries = new Map<string, ModelEntry>();
  readonly totals = { accepted: 0, done: 0, refused: 0, dead: 0, replayed: 0, purged: 0 };
  readonly #keptMs: number;
  nowMs: number;
  /** The latest that the clock has ever shown. */
  #latestMs: number;

  constructor(nowMs: number, keptMs: number) {
    this.nowMs = nowMs;
    this.#latestMs = nowMs;
    this.#keptMs = keptMs;
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.#latestMs = Math.max(this.#latestMs, this.nowMs);
    // The model keeps what is forgotten a little longer, to see that it is; not for ever.
    for (const own of this.entries.values()) if (this.#isLongForgotten(own)) this.entries.delete(own.entry.id);
  }

  add(entry: NewEntry): void {
    const order = this.totals.accepted;
    this.entries.set(entry.id, { entry, order, attempts: 0, token: undefined, dueMs: 0, outcome: undefined, endedAtMs: 0 });
    this.totals.accepted += 1;
  }

  claimed({ entry, token, attempt, leaseUntilMs }: Claim): void {
    const own = this.entries.get(entry.id)!;
    own.attempts = attempt;
    own.token = token;
    own.dueMs = leaseUntilMs;
  }

  holder(claim: Claim): ModelEntry | undefined {
    const own = this.entries.get(claim.entry.id);
    return own !== undefined && own.outcome === undefined && own.token === claim.token ? own : undefined;
  }

  settle(claim: Claim, outcome: Outcome): boolean {
    const own = this.holder(claim);
    if (own === undefined) return false;
    own.outcome = outcome;
    own.endedAtMs = this.nowMs;
    own.token = undefined;
    this.totals[outcome.state] += 1;
    return true;
  }

  release(claim: Claim, notBeforeMs: number, isUntouched: boolean): boolean {
    const own = this.holder(claim);
    if (own === undefined) return false;
    own.token = undefined;
    own.dueMs = notBeforeMs;
    own.attempts -= Number(isUntouched);
    return true;
  }

  replay(id: string): boolean {
    const own = this.entries.get(id);
    if (own?.outcome?.state !== 'dead' || own.entry.runBeforeMs <= this.nowMs) return false;
    Object.assign(own, { outcome: undefined, attempts: 0, token: undefined, dueMs: 0 });
    this.totals.replayed += 1;
    return true;
  }

  purge(id: string): boolean {
    if (this.entries.get(id)?.outcome?.state !== 'dead') return false;
    this.entries.delete(id);
    this.totals.purged += 1;
    return true;
  }

  forget(id: string): void {
    this.entries.delete(id);
  }

  isClaimable({ outcome, dueMs }: ModelEntry): Maybe {
    if (outcome !== undefined) return false;
    return this.#isPast(dueMs);
  }

  isForgotten({ outcome, endedAtMs }: ModelEntry): Maybe {
    if (outcome === undefined || outcome.state === 'dead') return false;
    return this.#isPast(endedAtMs + this.#keptMs);
  }

  byKey(key: string | undefined): ModelEntry | undefined {
    if (key === undefined) return undefined;
    // The latest one: an earlier one of the same key has been forgotten.
    return [...this.entries.values()].findLast(({ entry }) => entry.idempotencyKey === key);
  }

  living(): readonly ModelEntry[] {
    return [...this.entries.values()].filter(({ outcome }) => outcome === undefined);
  }

  dead(): readonly ModelEntry[] {
    return [...this.entries.values()].filter(({ outcome }) => outcome?.state === 'dead');
  }

  held({ issuer, client }: NewEntry): Held {
    const all = [...this.living(), ...this.dead()].map(({ entry }) => entry);
    const ofIssuer = all.filter((entry) => entry.issuer === issuer);
    return { queue: sum(all), issuer: sum(ofIssuer), client: sum(ofIssuer.filter((entry) => entry.client === client)) };
  }

  #isLongForgotten({ outcome, endedAtMs }: ModelEntry): boolean {
    return outcome !== undefined && outcome.state !== 'dead' && endedAtMs + 2 * this.#keptMs <= this.nowMs;
  }

  #isPast(ms: number): Maybe {
    if (ms <= this.nowMs) return true;
    return ms <= this.#latestMs ? undefined : false;
  }
}

function sum(entries: readonly NewEntry[]): Room {
  return { entries: entries.length, bytes: entries.reduce((bytes, { payload }) => bytes + roomOf(payload).bytes, 0) };
}
