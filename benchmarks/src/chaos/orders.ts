/** Sends orders by plan, and writes down what is heard of them. */
import { randomUUID } from 'node:crypto';
import type { CallerToken, Callers } from './callers.ts';
import type { Client, Heard } from './client.ts';
import type { Dice } from './dice.ts';
import type { Kind } from './kinds.ts';
import type { ClientLine, ClientNote, Journal } from './records.ts';
import type { OrderBody } from './service.ts';
import { BRIEF_SECONDS, STALE_MS } from './stage.ts';
import type { Tenant } from './tenants.ts';

/** Those who send, of one issuer. */
export interface Customers {
  readonly tenant: Tenant;
  readonly client: Client;
  readonly callers: Callers;
}

/** What sending takes. */
export interface OrderParts {
  readonly customers: readonly Customers[];
  readonly journal: Pick<Journal<ClientLine>, 'add'>;
  readonly dice: Dice;
  /** Whether 503 says that nothing was stored, so that anything may be sent again. */
  readonly isRefusalCertain: boolean;
}

/** A receipt. */
export interface Receipt {
  readonly order: string;
  readonly id: string;
  /** Where its status is. */
  readonly status: string;
}

/** One order on its way. */
interface Order {
  readonly name: string;
  readonly kind: Kind;
  readonly from: Customers;
  readonly subject: string;
  readonly token: CallerToken;
  readonly key: string | undefined;
  readonly body: string;
}

const SUBJECTS = 200;
/** How long after its lawful time a late request would be done, if it came. */
export const WAY_MS = 6000;
const MOST_WAIT_MS = 1000;
/** A confirmed revocation is known everywhere after this, or nothing is run. */
const KNOWN_AFTER_MS = STALE_MS + 500;

/** The clients. */
export class Orders {
  readonly receipts: Receipt[] = [];
  readonly #parts: OrderParts;
  #sent = 0;
  #told = 0;

  constructor(parts: OrderParts) {
    this.#parts = parts;
  }

  /** Orders that were begun. */
  get sent(): number {
    return this.#sent;
  }

  /** Times that a client was told to come again. */
  get comeAgain(): number {
    return this.#told;
  }

  /** Sends one and waits until it was heard, and its token taken back if it is one of those. */
  async send(kind: Kind): Promise<void> {
    const { customers, dice } = this.#parts;
    const from = dice.pick(customers);
    const subject = `user-${from.tenant.name}-${dice.int(SUBJECTS)}`;
    const token = await from.callers.token(subject, kind.token, kind.revoked !== undefined);
    const key = dice.chance(kind.keyed) ? randomUUID() : undefined;
    const order = this.#begin({ kind, from, subject, token, key }, { behaviour: kind.behaviour });
    if (kind.revoked === 'before') {
      await this.#revoke(order);
      await from.client.pause(KNOWN_AFTER_MS);
    }
    const heard = await Promise.all(Array.from({ length: kind.copies ?? 1 }, () => this.#deliver(order)));
    if (kind.revoked !== undefined && kind.revoked !== 'before') await this.#revoke(order);
    const isAccepted = heard.some(({ status }) => status === 202);
    if (kind.isContested === true && isAccepted) await this.#contest(order);
  }

  async #contest(first: Order): Promise<void> {
    const kind = { ...first.kind, name: 'conflict', must: 'be a conflict' } as const;
    await this.#deliver(this.#begin({ ...first, kind }, { behaviour: 'do it' }));
  }

  #begin(parts: Omit<Order, 'name' | 'body'>, { behaviour }: Pick<OrderBody, 'behaviour'>): Order {
    const { kind, subject, token } = parts;
    const name = `order-${(this.#sent += 1)}`;
    const maxAgeMs = kind.isBrief === true ? BRIEF_SECONDS * 1000 : undefined;
    const tokenEndsAt = kind.token === 'short' ? token.expiresAtMs : undefined;
    this.#note({ what: 'order', order: name, kind: kind.name, must: kind.must, subject, maxAgeMs, tokenEndsAt });
    const body: OrderBody = { order: name, behaviour, lateMs: BRIEF_SECONDS * 1000 + WAY_MS };
    return { ...parts, name, body: JSON.stringify(body) };
  }

  /** Until there is an answer that counts, or it is not safe to send it again. */
  async #deliver(order: Order): Promise<Heard> {
    const { isRefusalCertain } = this.#parts;
    const { name, kind, token, key, body } = order;
    const { client } = order.from;
    const headers = {
      authorization: `Bearer ${token.compact}`,
      // Whichever door it is: a request for another host is another request.
      host: 'orders.example.com',
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
    for (;;) {
      const heard = await client.post(kind.isBrief === true ? '/brief/1' : '/orders/1', headers, body);
      const { status } = heard;
      const id = status === 202 ? String(heard.body['id']) : undefined;
      this.#note({ what: 'answer', order: name, status, id });
      if (id !== undefined) this.receipts.push({ order: name, id, status: String(heard.body['status']) });
      if (status === 429) this.#told += 1;
      // Full, or not now: nothing was stored. Where that is not known only the key makes it safe to send it again.
      const isAgain =
        status === 429 || (status === 503 && isRefusalCertain) || ((status === 0 || status === 503) && key !== undefined);
      if (!isAgain) return heard;
      await client.pause(Math.min(Math.max(heard.retryAfterMs, 100), MOST_WAIT_MS));
    }
  }

  async #revoke({ name, kind, token, from }: Order): Promise<void> {
    // What an operator may do who knows the token's end: no verifier takes it afterwards.
    const isShort = kind.revoked === 'while it waits, until its token ends';
    await from.client.revoke(() => {
      const nowMs = Date.now();
      // What has ended already cannot be taken back: on a busy machine that may be so.
      const expiresAtMs = isShort ? Math.max(token.expiresAtMs + TOLERANCE_MS, nowMs + 1000) : nowMs + 3_600_000;
      return { issuer: from.tenant.issuer, jti: token.jti, expiresAtMs };
    });
    this.#note({ what: 'revoked', order: name });
  }

  #note(note: ClientNote): void {
    this.#parts.journal.add({ at: Date.now(), ...note });
  }
}

/** By which verifiers here take a token after its end. */
const TOLERANCE_MS = 5000;
