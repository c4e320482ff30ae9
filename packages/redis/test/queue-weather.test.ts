/** A server that is killed, restarted or stands still while gateways accept and workers work; told by what they were told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Worker, createWorker } from '@watchword/deferred';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { amount } from '../../core/test/support/campaign.ts';
import { entryOf } from '../../deferred/test/support/queue-harness.ts';
import { type RedisQueue, createRedisQueue } from '../src/index.ts';
import { Address } from './support/address.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

const LEASE = { leaseMs: 60_000, waitMs: 0 } as const;
const DONE = { state: 'done', status: 200 } as const;
const UNAVAILABLE = { code: 'queue_unavailable' };

/** What clients were told, and what the work was. */
interface Logs {
  readonly accepted: Set<string>;
  /** With the attempts of each. */
  readonly ran: Map<string, number[]>;
}

describe.skipIf(!hasRedis)('with redis-server (skipped where it is not installed: apt-get install redis-server)', () => {
  let server: RedisServer;
  let queues: RedisQueue[];
  beforeEach(async () => {
    server = await RedisServer.start('always');
    queues = [];
  });
  afterEach(async () => {
    for (const queue of queues) await queue.close();
    await server.destroy();
  });
  const open = (timeoutMs = 5000): RedisQueue => {
    const queue = createRedisQueue({ server: server.url, timeoutMs });
    queues.push(queue);
    return queue;
  };
  const fresh = (): ReturnType<typeof entryOf> => {
    const nowMs = Date.now();
    return entryOf({ acceptedAtMs: nowMs, runBeforeMs: nowMs + 3_600_000 });
  };

  /** Accepts, several at a time, never far ahead of the workers, until it is told to stop; remembers what was acknowledged. */
  const acceptAll = async (queue: RedisQueue, { accepted, ran }: Logs, isOver: () => boolean): Promise<void> => {
    while (!isOver()) {
      if (accepted.size > ran.size + 500) {
        await sleep(5);
        continue;
      }
      const entries = Array.from({ length: 8 }, fresh);
      const answers = await Promise.allSettled(entries.map((entry) => queue.accept(entry)));
      for (const [index, answer] of answers.entries()) {
        const { id } = entries[index]!;
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject(UNAVAILABLE);
        else if (answer.value.kind === 'accepted') accepted.add(id);
      }
      if (answers.some(({ status }) => status === 'rejected')) await sleep(5);
    }
  };

  const work = (queue: RedisQueue, { ran }: Logs, onError: () => void = () => {}): Worker =>
    createWorker({
      queue,
      open: ({ id }) => id,
      handle: async (jobs) =>
        jobs.map(({ request, attempt }) => {
          ran.set(request, [...(ran.get(request) ?? []), attempt]);
          return { state: 'done', status: 200 };
        }),
      leaseMs: 2000,
      onError,
    });

  test('S17: kill -9 and restart, again and again: all that was acknowledged ends once, nothing else ends at all', async () => {
    const logs: Logs = { accepted: new Set(), ran: new Map() };
    const { accepted, ran } = logs;
    let isOver = false;
    const accepting = [open(), open()].map((queue) => acceptAll(queue, logs, () => isOver));
    const workers = [open(), open()].map((queue) => work(queue, logs));
    const done = (): number => workers.reduce((sum, worker) => sum + worker.stats().done, 0);
    for (let round = 0; round < amount(4, 100); round += 1) {
      const [acceptedBefore, doneBefore] = [accepted.size, done()];
      // In the middle of the work.
      await expect.poll(() => accepted.size > acceptedBefore + 50 && done() > doneBefore + 50, { timeout: 60_000 }).toBe(true);
      await server.kill();
      await server.restart();
    }
    isOver = true;
    await Promise.all(accepting);
    const queue = open();
    await expect.poll(async () => (await queue.stats()).depth, { timeout: 60_000 }).toBe(0);
    for (const worker of workers) await worker.stop();
    const { totals } = await queue.stats();
    const states = await Promise.all([...accepted].map(async (id) => (await queue.status(id))?.state));
    expect(states.filter((state) => state !== 'done')).toEqual([]);
    // Some were stored of which nobody could be told; none ended twice, and none was run that was not stored.
    expect(totals).toEqual({ accepted: ran.size, done: ran.size, refused: 0, dead: 0, replayed: 0, purged: 0 });
    expect(ran.size).toBeGreaterThanOrEqual(accepted.size);
    // An end that nobody could be told of is counted as lost, never as done twice.
    expect(done()).toBeLessThanOrEqual(ran.size);
    // Each run is a claim of its own: the same one is never handed out twice.
    for (const attempts of ran.values()) expect(new Set(attempts).size).toBe(attempts.length);
  }, 600_000);

  test('answers that get lost: claims that nobody heard of are given back, untouched, with the next one', async () => {
    const address = await Address.of(server);
    const witness = open();
    const entries = Array.from({ length: 10 }, fresh);
    for (const entry of entries) await witness.accept(entry);
    const queue = createRedisQueue({ server: address.url, timeoutMs: 3000 });
    queues.push(queue);
    await eventuallyReady(queue);
    const [first] = await queue.claim('worker-1', 1, LEASE);
    address.loseAnswers();
    await expect(queue.claim('worker-1', 5, LEASE)).rejects.toMatchObject(UNAVAILABLE);
    expect(await witness.stats()).toMatchObject({ depth: 10, claimed: 6 });
    const claims = await queue.claim('worker-1', 20, LEASE);
    expect(claims.map(({ entry, attempt }) => [entry.id, attempt])).toEqual(entries.slice(1).map(({ id }) => [id, 1]));
    // What was heard of is still held.
    expect(await queue.settle([first!, ...claims].map((claim) => [claim, DONE] as const))).toEqual(Array(10).fill(true));
    await address.close();
  }, 60_000);

  test('SIGSTOP: everything is refused in bounded time, nothing of it is done afterwards, and it is well again', async () => {
    const queue = open();
    const entries = Array.from({ length: 10 }, fresh);
    for (const entry of entries) await queue.accept(entry);
    const [held] = await queue.claim('worker-1', 1, LEASE);
    const settle = (by: RedisQueue): Promise<unknown> => by.settle([[held!, DONE]]);
    const impatient = open(300);
    await eventuallyReady(impatient);
    server.freeze();
    const asked = [
      ...Array.from({ length: 20 }, () => impatient.accept(fresh())),
      impatient.claim('worker-1', 5, LEASE),
      settle(impatient),
      impatient.stats(),
    ];
    for (const answer of await Promise.allSettled(asked)) expect(answer).toMatchObject({ reason: UNAVAILABLE });
    // By now it takes connections, as a server that stands still does, and answers none of them.
    for (let turn = 0; turn < 3; turn += 1) await expect(impatient.accept(fresh())).rejects.toMatchObject(UNAVAILABLE);
    server.thaw();
    await eventuallyReady(impatient);
    // What was given up has not been done when the server came to it: no entry, no claim, no end that anybody was told had failed.
    expect(await queue.stats()).toMatchObject({ depth: 10, claimed: 1, totals: { accepted: 10, done: 0 } });
    expect(await settle(queue)).toEqual([true]);
    const claims = await queue.claim('worker-1', 20, LEASE);
    expect(claims.map(({ entry, attempt }) => [entry.id, attempt])).toEqual(entries.slice(1).map(({ id }) => [id, 1]));
  }, 60_000);

  test('SIGSTOP while workers work: they go on when it goes on, and nothing ends twice', async () => {
    const logs: Logs = { accepted: new Set(), ran: new Map() };
    const { accepted, ran } = logs;
    let isOver = false;
    const accepting = acceptAll(open(1000), logs, () => isOver);
    let errors = 0;
    const worker = work(open(1000), logs, () => (errors += 1));
    for (let round = 0; round < amount(2, 20); round += 1) {
      const before = worker.stats().done;
      await expect.poll(() => worker.stats().done, { timeout: 60_000 }).toBeGreaterThan(before + 50);
      const errorsBefore = errors;
      server.freeze();
      await expect.poll(() => errors, { timeout: 60_000 }).toBeGreaterThan(errorsBefore);
      server.thaw();
    }
    isOver = true;
    await accepting;
    const queue = open();
    await expect.poll(async () => (await queue.stats()).depth, { timeout: 60_000 }).toBe(0);
    await worker.stop();
    const { totals } = await queue.stats();
    expect(totals).toMatchObject({ accepted: ran.size, done: ran.size });
    for (const id of accepted) expect(ran.has(id)).toBe(true);
  }, 300_000);
});

async function eventuallyReady(queue: RedisQueue): Promise<void> {
  const isReady = (): Promise<boolean> =>
    queue.ready().then(
      () => true,
      () => false,
    );
  await expect.poll(isReady, { timeout: 20_000 }).toBe(true);
}
