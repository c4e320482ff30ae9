/** What is particular to BullMQ: headers beside the data, its own attempts, failed jobs as dead letters, bulks and flows. */
import { callerOf, createTrustDomain } from '@watchword/conformance';
import { createMessageGuard, createMessagePropagator, currentIdentity, runAnonymous, runWithIdentity } from '@watchword/core';
import { FlowProducer, type Job, Queue, Worker } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardJobs, identityOptions, propagate } from '../src/index.ts';
import { type RedisServer, missing, startRedisServer } from './support/redis-server.ts';

const trust = createTrustDomain();
const propagator = createMessagePropagator({ topics: ['orders', 'parts'] });
const guard = createMessageGuard({ pipeline: trust.createPipeline(), topics: { orders: {}, parts: {} }, maxDeliveries: 3 });
const { identity, token } = await callerOf(trust, 'user-1');

describe.skipIf(missing !== undefined)(`with a server${missing === undefined ? '' : ` (${missing})`}`, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server?.stop());

  const connection = (): object => ({ host: '127.0.0.1', port: server.port, maxRetriesPerRequest: null });

  async function withQueue(work: (queue: Queue, processed: string[]) => Promise<void>, fails = false): Promise<void> {
    const queue = new Queue('orders', { connection: connection() });
    const processed: string[] = [];
    const processor = guardJobs(guard, (job) => {
      processed.push(`${job.name} ${currentIdentity().subject} ${Object.keys((job.opts as { headers?: object }).headers ?? {})}`);
      if (fails) throw new Error('out of stock');
      return 'done';
    });
    const worker = new Worker('orders', processor, { connection: connection(), drainDelay: 1 });
    try {
      await work(queue, processed);
    } finally {
      await worker.close();
      await queue.obliterate({ force: true });
      await queue.close();
    }
  }

  test('the token stands in the options, never in the data, and the processor does not see it', () =>
    withQueue(async (queue, processed) => {
      const options = { headers: { TXN_TOKEN: 'theirs', trace: '1' } } as object;
      const job = await runWithIdentity(identity, () => propagate(queue, propagator).add('a', { n: 1 }, options));
      expect([job.data, job.opts]).toEqual([{ n: 1 }, expect.objectContaining({ headers: { trace: '1', 'txn-token': token } })]);
      await expect.poll(() => processed, { timeout: 5000 }).toEqual(['a user-1 trace']);
      await expect.poll(async () => (await queue.getJob(job.id!))?.returnvalue, { timeout: 5000 }).toBe('done');
    }));

  test('a bulk: every job carries the caller', () =>
    withQueue(async (queue, processed) => {
      const jobs = ['a', 'b', 'c'].map((name) => ({ name, data: {} }));
      await runWithIdentity(identity, () => propagate(queue, propagator).addBulk(jobs));
      await expect.poll(() => processed.toSorted(), { timeout: 5000 }).toEqual(['a user-1 ', 'b user-1 ', 'c user-1 ']);
    }));

  test('a refused job fails at once, whatever attempts it has, and its reason can be read', () =>
    withQueue(async (queue, processed) => {
      const headers = { 'txn-token': await trust.badToken('expired') };
      const expired = await queue.add('a', {}, { attempts: 10, ...({ headers } as object) });
      const bare = await runAnonymous(() => propagate(queue, propagator).add('b', {}, { attempts: 10 }));
      const reasonOf = async (id: string): Promise<unknown> => {
        const job = await queue.getJob(id);
        return [await job?.getState(), job?.failedReason, job?.attemptsMade];
      };
      await expect.poll(() => reasonOf(expired.id!), { timeout: 5000 }).toEqual(['failed', 'txn_expired', 1]);
      await expect.poll(() => reasonOf(bare.id!), { timeout: 5000 }).toEqual(['failed', 'txn_missing', 1]);
      expect(processed).toEqual([]);
    }));

  test.each([
    [undefined, 1],
    [2, 2],
    [100, 3],
  ])('a processor that fails, %s attempts: tried %i times, and its own message is kept', (attempts, times) =>
    withQueue(async (queue, processed) => {
      const options = attempts === undefined ? {} : { attempts };
      const job = await runWithIdentity(identity, () => propagate(queue, propagator).add('a', {}, options));
      await expect
        .poll(async () => (await queue.getJob(job.id!))?.failedReason === 'out of stock' && job.getState(), { timeout: 5000 })
        .toBe('failed');
      expect(processed).toHaveLength(times);
    }, true),
  );

  test('a flow: each of its jobs with options of its own', () =>
    withQueue(async (_queue, processed) => {
      const flows = new FlowProducer({ connection: connection() });
      const tree = await runWithIdentity(identity, async () => ({
        name: 'parent',
        queueName: 'orders',
        opts: await identityOptions(propagator, 'orders', { attempts: 2 }),
      }));
      expect(tree.opts).toMatchObject({ attempts: 2, headers: { 'txn-token': token } });
      await flows.add(tree);
      await expect.poll(() => processed, { timeout: 5000 }).toEqual(['parent user-1 ']);
      await flows.close();
    }));
});

test('delays during an outage cost none of the attempts of a processor that fails afterwards', async () => {
  const open = createMessageGuard({ pipeline: trust.createPipeline(), topics: { orders: 'public' }, maxDeliveries: 3 });
  const failing = guardJobs(open, (): Promise<unknown> => Promise.reject(new Error('out of stock')));
  const failure = (attemptsMade: number, attemptsStarted: number): Promise<unknown> =>
    failing({ queueName: 'orders', opts: { attempts: 10 }, attemptsMade, attemptsStarted } as unknown as Job).catch(
      (error: Error) => error.name,
    );
  expect(await failure(0, 8)).toBe('Error');
  expect(await failure(1, 9)).toBe('Error');
  expect(await failure(2, 10)).toBe('UnrecoverableError');
});

test('options without an identity have no headers at all', async () => {
  expect(await runAnonymous(() => identityOptions(propagator, 'orders', { attempts: 2 }))).toEqual({ attempts: 2 });
  const hostile = { headers: ['txn-token'] };
  expect(await runAnonymous(() => identityOptions(propagator, 'orders', hostile as object))).toEqual({});
  await expect(identityOptions(propagator, 'orders')).rejects.toMatchObject({ code: 'context_lost' });
});
