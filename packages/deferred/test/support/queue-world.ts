/** A queue and its model, side by side: each step is done to both, and compared. */
import assert from 'node:assert/strict';
import { type Claim, type NewEntry, type Outcome, type Queue, fullScope, readLimits, roomOf } from '../../src/index.ts';
import { type QueueHarness, START_MS, digestOf, entryOf } from './queue-harness.ts';
import { type ModelEntry, QueueModel } from './queue-model.ts';

/** What may happen. Accepting and claiming more often than the rest. */
export const CAMPAIGN_STEPS = [
  ...(['accept', 'accept', 'accept', 'acceptMany', 'claim', 'claim', 'settle', 'settle', 'settle'] as const),
  ...(['extend', 'release', 'pass', 'pass', 'crash', 'status', 'stats', 'replay', 'purge', 'repeat'] as const),
] as const;

/** One of them, with numbers to choose by. */
export interface Step {
  readonly kind: (typeof CAMPAIGN_STEPS)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const LIMITS = { entries: 60, bytes: 60_000, issuerShare: 0.6, clientShare: 0.6 } as const;
const KEPT_MS = 30_000;
const LEASES = [1, 500, 5000, 20_000] as const;
const WORKERS = 3;

export class QueueWorld {
  readonly #harness: QueueHarness;
  readonly #model = new QueueModel(START_MS, KEPT_MS);
  readonly #queues: Queue[] = [];
  /** What each worker believes that it holds. */
  readonly #claims: Claim[] = [];
  readonly #settled = new Map<string, number>();
  /** How often an id was accepted or put back: an id may come again when its outcome is forgotten. */
  readonly #lives = new Map<string, number>();

  constructor(harness: QueueHarness) {
    this.#harness = harness;
  }

  get ended(): number {
    return this.#settled.size;
  }

  /** Entries that were told to have ended more often than they were put back. */
  get endedTwice(): readonly string[] {
    return [...this.#settled].filter(([id, times]) => times > this.#lives.get(id)!).map(([id]) => id);
  }

  /** @returns how many things were done */
  async perform({ kind, a, b, c }: Step): Promise<number> {
    const queue = await this.#queue(a % WORKERS);
    switch (kind) {
      case 'accept':
        return this.#accept(queue, [this.#newEntry(b, c)]);
      case 'acceptMany':
        return this.#accept(
          queue,
          Array.from({ length: 1 + (b % 20) }, (_, index) => this.#newEntry(b, c + index * index)),
        );
      case 'repeat':
        return this.#repeat(queue, b, c);
      case 'claim':
        return this.#claim(queue, 1 + (b % 12), LEASES[c % LEASES.length]!);
      case 'settle':
        return this.#settle(queue, this.#someClaims(b, c), b);
      case 'extend':
        return this.#extend(queue, this.#someClaims(b, c), LEASES[b % LEASES.length]!);
      case 'release':
        return this.#release(queue, this.#someClaims(b, c), b);
      case 'pass':
        // One time in ten the clock is set back.
        this.#model.pass(b < 100 ? -(c % 3000) : c * (b > 900 ? 40 : 3));
        return 1;
      case 'crash':
        // Of one worker: its handle, and all that it knew.
        if (b < 20) await this.#reopen(a % WORKERS);
        this.#claims.splice(c % (this.#claims.length + 1), b % 7);
        return 1;
      case 'status':
        return this.#status(queue, b);
      case 'stats':
        return this.#stats(queue);
      case 'replay':
        return this.#replay(queue, b, c);
      case 'purge':
        return this.#purge(queue, b, c);
    }
  }

  /** Time passes, everything is claimed and done: then all that was accepted has ended. */
  async drain(): Promise<void> {
    this.#model.pass(10_000_000);
    const queue = await this.#queue(0);
    while (this.#model.living().length > 0) {
      await this.#claim(queue, 100, 20_000);
      await this.#settle(queue, this.#claims.slice(), 0);
    }
    await this.#stats(queue);
    const { totals, depth, dead } = await queue.stats();
    assert.equal(depth, 0);
    assert.equal(totals.accepted + totals.replayed, totals.done + totals.refused + totals.dead);
    assert.equal(dead, totals.dead - totals.replayed - totals.purged);
  }

  async close(): Promise<void> {
    for (const queue of this.#queues.splice(0)) await queue.close();
  }

  async #queue(worker: number): Promise<Queue> {
    while (this.#queues.length < WORKERS) this.#queues.push(await this.#open());
    return this.#queues[worker]!;
  }

  async #reopen(worker: number): Promise<void> {
    await this.#queues[worker]!.close();
    this.#queues[worker] = await this.#open();
  }

  async #open(): Promise<Queue> {
    return this.#harness.open({ clock: () => this.#model.nowMs, limits: LIMITS, outcomesKeptMs: KEPT_MS });
  }

  #newEntry(b: number, c: number): NewEntry {
    return entryOf({
      acceptedAtMs: this.#model.nowMs,
      runBeforeMs: this.#model.nowMs + 1000 * (c % 90),
      issuer: `https://issuer-${b % 3}.example`,
      client: digestOf(`client-${c % 4}`),
      idempotencyKey: b % 4 === 0 ? digestOf(`key-${c % 50}`) : undefined,
      fingerprint: digestOf(`request-${c % 25}`),
      payload: new Uint8Array(b % 5 === 0 ? 2500 : 30).fill(b),
    });
  }

  async #accept(queue: Queue, entries: readonly NewEntry[]): Promise<number> {
    const answers = await Promise.all(entries.map((entry) => queue.accept(entry)));
    for (const [index, entry] of entries.entries()) {
      const answer = answers[index]!;
      const first = this.#model.entries.get(entry.id) ?? this.#model.byKey(entry.idempotencyKey);
      let isForgotten = first === undefined ? true : this.#model.isForgotten(first);
      isForgotten ??= answer.kind === 'accepted' || answer.kind === 'full';
      if (first !== undefined && !isForgotten) {
        const isSame = first.entry.fingerprint === entry.fingerprint;
        assert.deepEqual(answer, isSame ? { kind: 'repeated', id: first.entry.id } : { kind: 'conflict' });
        continue;
      }
      if (first !== undefined) this.#model.forget(first.entry.id);
      const scope = fullScope(readLimits(LIMITS, 'limits'), this.#model.held(entry), roomOf(entry.payload));
      if (answer.kind === 'full') {
        assert.equal(answer.scope, scope);
        assert.ok(answer.retryAfterMs >= 1000 && answer.retryAfterMs <= 60_000);
        continue;
      }
      assert.equal(scope, undefined, 'accepted although full');
      assert.deepEqual(answer, { kind: 'accepted', id: entry.id });
      this.#model.add(entry);
      count(this.#lives, entry.id);
    }
    return entries.length;
  }

  // The same request once more, by its id or by its key.
  async #repeat(queue: Queue, b: number, c: number): Promise<number> {
    const own = pick([...this.#model.entries.values()], c);
    if (own === undefined) return 0;
    return this.#accept(queue, [b % 2 === 0 ? own.entry : { ...entryOf(), idempotencyKey: own.entry.idempotencyKey }]);
  }

  async #claim(queue: Queue, most: number, leaseMs: number): Promise<number> {
    const claims = await queue.claim('worker', most, { leaseMs, waitMs: 0 });
    const model = this.#model;
    const must = model.living().filter((own) => model.isClaimable(own) === true);
    const may = model.living().filter((own) => model.isClaimable(own) !== false);
    assert.ok(claims.length >= Math.min(most, must.length), `claimed ${claims.length} of ${must.length}`);
    assert.ok(claims.length <= Math.min(most, may.length));
    const taken = new Set(claims.map(({ entry }) => entry.id));
    assert.equal(taken.size, claims.length);
    for (const claim of claims) {
      const own = model.entries.get(claim.entry.id);
      assert.ok(own !== undefined && may.includes(own), 'claimed what cannot be claimed');
      assert.deepEqual(
        { ...claim.entry, payload: Buffer.from(claim.entry.payload) },
        { ...own.entry, payload: Buffer.from(own.entry.payload) },
      );
      assert.equal(claim.attempt, own.attempts + 1);
      assert.equal(claim.leaseUntilMs, model.nowMs + leaseMs);
    }
    assertFair(
      [...taken].map((id) => model.entries.get(id)!),
      must.filter(({ entry }) => !taken.has(entry.id)),
    );
    for (const claim of claims) model.claimed(claim);
    this.#claims.push(...claims);
    return claims.length + 1;
  }

  async #settle(queue: Queue, claims: readonly Claim[], b: number): Promise<number> {
    const outcomes = claims.map((claim, index) => [claim, outcomeOf(b + index)] as const);
    const expected = outcomes.map(([claim, outcome]) => this.#model.settle(claim, outcome));
    const answers = await queue.settle(outcomes);
    assert.deepEqual([...answers], expected);
    for (const [index, { entry }] of claims.entries()) {
      if (answers[index]!) count(this.#settled, entry.id);
    }
    // Some who have settled come once more.
    for (const claim of claims) if (b % 3 !== 0) this.#claims.splice(this.#claims.indexOf(claim), 1);
    if (this.#claims.length > 60) this.#claims.splice(0, 30);
    return claims.length;
  }

  async #extend(queue: Queue, claims: readonly Claim[], leaseMs: number): Promise<number> {
    const held = claims.filter((claim) => this.#model.holder(claim) !== undefined);
    const leaseUntilMs = this.#model.nowMs + leaseMs;
    const extended = await queue.extend(claims, leaseMs);
    assert.deepEqual(
      extended.map(({ entry }) => entry.id),
      held.map(({ entry }) => entry.id),
    );
    for (const claim of extended) {
      assert.equal(claim.leaseUntilMs, leaseUntilMs);
      this.#model.holder(claim)!.dueMs = leaseUntilMs;
    }
    return claims.length;
  }

  async #release(queue: Queue, claims: readonly Claim[], b: number): Promise<number> {
    const notBeforeMs = this.#model.nowMs + (b % 3) * 900;
    const isUntouched = b % 4 === 0;
    const expected = claims.map((claim) => this.#model.release(claim, notBeforeMs, isUntouched));
    assert.deepEqual([...(await queue.release(claims.map((claim) => ({ claim, notBeforeMs, isUntouched }))))], expected);
    return claims.length;
  }

  async #status(queue: Queue, b: number): Promise<number> {
    const own = pick([...this.#model.entries.values()], b);
    if (own === undefined) return 0;
    const status = await queue.status(own.entry.id);
    const isForgotten = this.#model.isForgotten(own) ?? status === undefined;
    if (isForgotten) assert.equal(status, undefined);
    else assert.ok(status !== undefined, 'an entry is lost');
    if (status === undefined) return 1;
    assert.equal(status.attempts, own.attempts);
    assert.equal(status.acceptedAtMs, own.entry.acceptedAtMs);
    assert.equal(status.client, own.entry.client);
    if (own.outcome === undefined) assert.match(status.state, /^(?:accepted|claimed)$/);
    else assert.deepEqual(pickOutcome(status), { ...own.outcome, endedAtMs: own.endedAtMs });
    return 1;
  }

  async #stats(queue: Queue): Promise<number> {
    const { depth, claimed, oldestAgeMs, dead, totals, byIssuer } = await queue.stats();
    const living = this.#model.living();
    assert.equal(depth, living.length);
    assert.equal(dead, this.#model.dead().length);
    assert.deepEqual({ ...totals }, this.#model.totals);
    assert.ok(claimed <= living.filter(({ token }) => token !== undefined).length);
    const ages = living.map(({ entry }) => Math.max(0, this.#model.nowMs - entry.acceptedAtMs));
    assert.ok(ages.length === 0 ? oldestAgeMs === 0 : ages.includes(oldestAgeMs));
    const counts: Record<string, number> = {};
    for (const { entry } of living) counts[entry.issuer] = (counts[entry.issuer] ?? 0) + 1;
    assert.deepEqual({ ...byIssuer }, counts);
    return 1;
  }

  async #replay(queue: Queue, b: number, c: number): Promise<number> {
    const letters = await queue.dead({ limit: 1000 });
    assert.deepEqual(
      letters.map(({ id }) => id).toSorted(),
      this.#model
        .dead()
        .map(({ entry }) => entry.id)
        .toSorted(),
    );
    const ids = [...letters.slice(0, b % 4).map(({ id }) => id), pick([...this.#model.entries.keys()], c) ?? 'c'.repeat(22)];
    const once = [...new Set(ids)];
    const expected = once.filter((id) => this.#model.replay(id));
    assert.deepEqual([...(await queue.replay(once))], expected);
    for (const id of expected) count(this.#lives, id);
    return once.length;
  }

  async #purge(queue: Queue, b: number, c: number): Promise<number> {
    const ids = (await queue.dead({ limit: 1 + (b % 3) })).map(({ id }) => id);
    const once = [...new Set([...ids, pick([...this.#model.entries.keys()], c) ?? 'c'.repeat(22)])];
    assert.deepEqual(
      [...(await queue.purge(once))],
      once.filter((id) => this.#model.purge(id)),
    );
    return once.length;
  }

  #someClaims(b: number, c: number): readonly Claim[] {
    const from = c % (this.#claims.length + 1);
    return this.#claims.slice(from, from + 1 + (b % 8));
  }
}

/** Nobody gets two entries more than somebody who still has some left; and of a client the oldest first. */
function assertFair(taken: readonly ModelEntry[], left: readonly ModelEntry[]): void {
  const issuers = new Map<string, number>();
  const clients = new Map<string, number>();
  const latest = new Map<string, number>();
  for (const own of taken) {
    count(issuers, own.entry.issuer);
    count(clients, clientOf(own));
    latest.set(clientOf(own), Math.max(own.order, latest.get(clientOf(own)) ?? -1));
  }
  const mostOfIssuer = Math.max(...issuers.values());
  for (const waiting of left) {
    const { issuer } = waiting.entry;
    assert.ok((latest.get(clientOf(waiting)) ?? -1) < waiting.order, 'a later entry of a client came first');
    assert.ok(mostOfIssuer <= (issuers.get(issuer) ?? 0) + 1, 'an issuer got more than its turn');
    for (const [client, most] of clients) {
      if (client.startsWith(`${issuer} `))
        assert.ok(most <= (clients.get(clientOf(waiting)) ?? 0) + 1, 'a client got more than its turn');
    }
  }
}

function clientOf({ entry }: ModelEntry): string {
  return `${entry.issuer} ${entry.client}`;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function outcomeOf(b: number): Outcome {
  if (b % 5 < 3)
    return b % 2 === 0 ? { state: 'done', status: 200 } : { state: 'done', status: 201, result: new Uint8Array([b % 256]) };
  return b % 5 === 3 ? { state: 'refused', reason: 'token_revoked' } : { state: 'dead', reason: 'attempts_exhausted' };
}

function pickOutcome(status: object): object {
  const { state, status: code, result, reason, endedAtMs } = status as Record<string, unknown>;
  const bytes = result instanceof Uint8Array ? { result: new Uint8Array(result) } : {};
  return state === 'done' ? { state, status: code, ...bytes, endedAtMs } : { state, reason, endedAtMs };
}

function pick<Item>(items: readonly Item[], number: number): Item | undefined {
  return items.length === 0 ? undefined : items[number % items.length];
}
