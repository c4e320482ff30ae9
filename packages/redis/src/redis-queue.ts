/** A queue of deferred requests in Redis 6.2 or newer, in streams with a consumer group: shared by all machines that see the server. */
import { WatchwordError } from '@watchword/core';
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
import { factsOfEntry, inParts } from './queue/facts.ts';
import { Holder } from './queue/holder.ts';
import { DEAD, PURGE, REPLAY, STATS, STATUS } from './queue/letter-scripts.ts';
import { type QueueSettings, type RedisQueueOptions, readQueueOptions } from './queue/options.ts';
import type { QueueScript } from './queue/prelude.ts';
import { acceptanceOf, letterOf, statsOf, statusOf, textsOf } from './queue/replies.ts';
import { QueueStore } from './queue/store.ts';

/** A queue on a server. */
export interface RedisQueue extends Queue {
  /** Connects and looks at the server, so that one that is not there, or promises too little, is known at the start. */
  ready(): Promise<void>;
}

/** Makes a queue; connects when it is used. @throws WatchwordError `config_invalid` */
export function createRedisQueue(options: RedisQueueOptions): RedisQueue {
  return new StreamQueue(readQueueOptions(options));
}

class StreamQueue implements RedisQueue {
  readonly #limits: QueueSettings['limits'];
  readonly #store: QueueStore;
  readonly #holder: Holder;
  readonly #waits: ClaimWaits;

  constructor(settings: QueueSettings) {
    this.#limits = settings.limits;
    this.#store = new QueueStore(settings);
    this.#holder = new Holder(this.#store);
    this.#waits = new ClaimWaits(settings.schedule, settings.pollMs);
  }

  async ready(): Promise<void> {
    await this.#store.ready();
  }

  async accept(entry: NewEntry): Promise<Acceptance> {
    assertEntry(entry);
    if (!canEverFit(this.#limits, roomOf(entry.payload))) throw new WatchwordError('body_too_large');
    // A server that stalls must not fill the memory.
    if (this.#store.isBehind) return { kind: 'full', scope: 'queue', retryAfterMs: 1000 };
    const acceptance = acceptanceOf(await this.#store.run(ACCEPT, factsOfEntry(entry, this.#limits)));
    if (acceptance.kind === 'accepted') this.#waits.wake();
    return acceptance;
  }

  async claim(worker: string, most: number, { leaseMs, waitMs, signal }: ClaimOptions): Promise<readonly Claim[]> {
    assertCount(most, 'most');
    assertDelay(leaseMs, 1, 'leaseMs');
    assertDelay(waitMs, 0, 'waitMs');
    const ask = (): Promise<readonly Claim[]> => this.#holder.claim(worker, most, leaseMs);
    return this.#waits.until(ask, { waitMs, signal, isOver: () => this.#store.isClosed });
  }

  async extend(claims: readonly Claim[], leaseMs: number): Promise<readonly Claim[]> {
    assertDelay(leaseMs, 1, 'leaseMs');
    return this.#holder.extend(claims, leaseMs);
  }

  async settle(outcomes: readonly (readonly [Claim, Outcome])[]): Promise<readonly boolean[]> {
    for (const [, outcome] of outcomes) assertOutcome(outcome);
    return this.#holder.settle(outcomes);
  }

  async release(releases: readonly Release[]): Promise<readonly boolean[]> {
    for (const { notBeforeMs } of releases) assertTime(notBeforeMs, 'notBeforeMs');
    const released = await this.#holder.release(releases);
    this.#waits.wake();
    return released;
  }

  async status(id: string): Promise<EntryStatus | undefined> {
    return statusOf(id, await this.#store.run(STATUS, [id], { isRead: true }));
  }

  async stats(): Promise<QueueStats> {
    const nowMs = this.#store.now();
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

  async #chosen(script: QueueScript, ids: readonly string[]): Promise<readonly string[]> {
    const chosen: string[] = [];
    for (const part of inParts(ids)) chosen.push(...textsOf(await this.#store.run(script, part)));
    return chosen;
  }
}
