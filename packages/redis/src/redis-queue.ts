/** A queue of deferred requests in Redis 6.2 or newer, in streams with a consumer group: shared by all machines that see the server. */
import { randomUUID } from 'node:crypto';
import { WatchwordError, readClock } from '@watchword/core';
import {
  type Acceptance,
  type Claim,
  type ClaimOptions,
  ClaimWaits,
  type DeadLetter,
  type EntryStatus,
  type NewEntry,
  type Outcome,
  type Queue,
  type QueueStats,
  type Release,
  assertCount,
  assertDelay,
  assertEntry,
  assertOutcome,
  assertTime,
  canEverFit,
  roomOf,
} from '@watchword/deferred';
import { ACCEPT } from './queue/accept-script.ts';
import { CLAIM } from './queue/claim-script.ts';
import type { Argument } from './queue/evaluate.ts';
import { EXTEND, RELEASE, SETTLE } from './queue/hold-scripts.ts';
import { DEAD, PURGE, REPLAY, STATS, STATUS } from './queue/letter-scripts.ts';
import { type QueueSettings, type RedisQueueOptions, readQueueOptions } from './queue/options.ts';
import type { QueueScript } from './queue/prelude.ts';
import { acceptanceOf, claimOf, letterOf, statsOf, statusOf, textsOf, yesNo } from './queue/replies.ts';
import { QueueStore } from './queue/store.ts';

/** A queue on a server. */
export interface RedisQueue extends Queue {
  /** Connects and looks at the server, so that one that is not there, or promises too little, is known at the start. */
  ready(): Promise<void>;
}

/** Entries in one run of a script, so that nobody else waits for it long. */
const AT_ONCE = 256;
const CLAIM_BYTES = 8 * 2 ** 20;

/** Makes a queue; connects when it is used. @throws WatchwordError `config_invalid` */
export function createRedisQueue(options: RedisQueueOptions): RedisQueue {
  return new StreamQueue(readQueueOptions(options));
}

class StreamQueue implements RedisQueue {
  readonly #settings: QueueSettings;
  readonly #store: QueueStore;
  readonly #waits: ClaimWaits;

  constructor(settings: QueueSettings) {
    this.#settings = settings;
    this.#store = new QueueStore(settings);
    this.#waits = new ClaimWaits(settings.schedule, settings.pollMs);
  }

  async ready(): Promise<void> {
    await this.#store.ready();
  }

  async accept(entry: NewEntry): Promise<Acceptance> {
    assertEntry(entry);
    const { limits } = this.#settings;
    const { bytes } = roomOf(entry.payload);
    if (!canEverFit(limits, roomOf(entry.payload))) throw new WatchwordError('body_too_large');
    // A server that stalls must not fill the memory.
    if (this.#store.isBehind) return { kind: 'full', scope: 'queue', retryAfterMs: 1000 };
    const { id, fingerprint, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey = '', payload } = entry;
    const { entries, bytes: mostBytes, issuerShare, clientShare } = limits;
    const facts = [id, fingerprint, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, bytes, payload];
    const reply = await this.#store.run(ACCEPT, [...facts, entries, mostBytes, issuerShare, clientShare]);
    const acceptance = acceptanceOf(reply);
    if (acceptance.kind === 'accepted') this.#waits.wake();
    return acceptance;
  }

  async claim(worker: string, most: number, { leaseMs, waitMs, signal }: ClaimOptions): Promise<readonly Claim[]> {
    assertCount(most, 'most');
    assertDelay(leaseMs, 1, 'leaseMs');
    assertDelay(waitMs, 0, 'waitMs');
    return this.#waits.until(() => this.#claim(worker, most, leaseMs), { waitMs, signal, isOver: () => this.#store.isClosed });
  }

  async extend(claims: readonly Claim[], leaseMs: number): Promise<readonly Claim[]> {
    assertDelay(leaseMs, 1, 'leaseMs');
    if (claims.length === 0) return [];
    const leaseUntilMs = this.#now() + leaseMs;
    const held = await this.#each(EXTEND, claims, nameOf, [leaseUntilMs]);
    return claims.flatMap((claim, index) => (held[index] === true ? [{ ...claim, leaseUntilMs }] : []));
  }

  async settle(outcomes: readonly (readonly [Claim, Outcome])[]): Promise<readonly boolean[]> {
    for (const [, outcome] of outcomes) assertOutcome(outcome);
    return this.#each(SETTLE, outcomes, ([claim, outcome]) => [...nameOf(claim), ...factsOf(outcome)]);
  }

  async release(releases: readonly Release[]): Promise<readonly boolean[]> {
    for (const { notBeforeMs } of releases) assertTime(notBeforeMs, 'notBeforeMs');
    const released = await this.#each(RELEASE, releases, ({ claim, notBeforeMs, isUntouched = false }) => [
      ...nameOf(claim),
      notBeforeMs,
      Number(isUntouched),
    ]);
    this.#waits.wake();
    return released;
  }

  async status(id: string): Promise<EntryStatus | undefined> {
    return statusOf(id, await this.#store.run(STATUS, [id], { isRead: true }));
  }

  async stats(): Promise<QueueStats> {
    const nowMs = this.#now();
    return statsOf(await this.#store.run(STATS, [], { isRead: true, nowMs }), nowMs);
  }

  async dead({ after = '', limit }: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]> {
    assertCount(limit, 'limit');
    return ((await this.#store.run(DEAD, [after, limit], { isRead: true })) as readonly unknown[]).map(letterOf);
  }

  async replay(ids: readonly string[]): Promise<readonly string[]> {
    const replayed = await this.#chosen(REPLAY, ids);
    this.#waits.wake();
    return replayed;
  }

  async purge(ids: readonly string[]): Promise<readonly string[]> {
    return this.#chosen(PURGE, ids);
  }

  async close(): Promise<void> {
    const closed = this.#store.close();
    this.#waits.wake();
    await closed;
  }

  async #claim(worker: string, most: number, leaseMs: number): Promise<readonly Claim[]> {
    const token = randomUUID();
    const claims: Claim[] = [];
    while (claims.length < most) {
      const nowMs = this.#now();
      const leaseUntilMs = nowMs + leaseMs;
      const wanted = Math.min(AT_ONCE, most - claims.length);
      try {
        const reply = await this.#store.run(CLAIM, [worker, wanted, token, leaseUntilMs, CLAIM_BYTES], { nowMs });
        const given = (reply as readonly unknown[]).map((one) => claimOf(one, token, leaseUntilMs));
        claims.push(...given);
        if (given.length < wanted) break;
      } catch (error) {
        // What has been claimed by then is still the answer.
        if (claims.length === 0) throw error;
        break;
      }
    }
    return claims;
  }

  #now(): number {
    return readClock(this.#settings.clock);
  }

  async #each<Item>(
    script: QueueScript,
    items: readonly Item[],
    factsFor: (item: Item) => readonly Argument[],
    first: readonly Argument[] = [],
  ): Promise<readonly boolean[]> {
    const answers: boolean[] = [];
    for (const part of inParts(items)) {
      answers.push(...yesNo(await this.#store.run(script, [...first, ...part.flatMap(factsFor)])));
    }
    return answers;
  }

  async #chosen(script: QueueScript, ids: readonly string[]): Promise<readonly string[]> {
    const chosen: string[] = [];
    for (const part of inParts(ids)) chosen.push(...textsOf(await this.#store.run(script, part)));
    return chosen;
  }
}

function* inParts<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += AT_ONCE) yield items.slice(from, from + AT_ONCE);
}

function nameOf({ entry, token }: Claim): readonly [id: string, token: string] {
  return [entry.id, token];
}

function factsOf(outcome: Outcome): readonly Argument[] {
  if (outcome.state !== 'done') return [outcome.state, outcome.reason, 'no', ''];
  const { state, status, result } = outcome;
  return result === undefined ? [state, status, 'no', ''] : [state, status, 'yes', result];
}
