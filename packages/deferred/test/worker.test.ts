import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WatchwordError } from '@watchword/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Claim,
  type Job,
  type JobResult,
  type NewEntry,
  type Queue,
  type Worker,
  type WorkerOptions,
  createSqliteQueue,
  createWorker,
} from '../src/index.ts';
import { fastFolder } from './support/folders.ts';
import { START_MS, digestOf, entryOf } from './support/queue-harness.ts';

const DONE = { state: 'done', status: 200 } as const;
type Handle = WorkerOptions<string>['handle'];

describe('a worker', () => {
  let folder: string;
  let queue: Queue;
  let nowMs: number;
  let workers: Worker[];
  let errors: unknown[];
  beforeEach(() => {
    folder = fastFolder();
    nowMs = START_MS;
    workers = [];
    errors = [];
    queue = createSqliteQueue({ path: join(folder, 'queue.db'), pollMs: 5, clock: () => nowMs });
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop({ graceMs: 0 })));
    await queue.close();
    rmSync(folder, { recursive: true });
  });

  const work = (handle: Handle, options: Partial<WorkerOptions<string>> = {}): Worker => {
    const worker = createWorker<string>({
      queue,
      open: ({ id }) => `request of ${id}`,
      handle,
      clock: () => nowMs,
      onError: (error) => errors.push(error),
      ...options,
    });
    workers.push(worker);
    return worker;
  };
  const accept = async (part: Partial<NewEntry> = {}): Promise<string> => {
    const entry = entryOf(part);
    expect(await queue.accept(entry)).toMatchObject({ kind: 'accepted' });
    return entry.id;
  };
  const until = async (check: () => boolean | Promise<boolean>): Promise<void> => {
    for (let turn = 0; !(await check()); turn += 1) {
      if (turn === 2000) throw new Error(`waited in vain; ${JSON.stringify(await queue.stats())}`);
      await sleep(5);
    }
  };
  const ended = (id: string) => async (): Promise<boolean> => 'endedAtMs' in (await queue.status(id))!;
  const all =
    (result: JobResult) =>
    async (jobs: readonly Job<string>[]): Promise<readonly JobResult[]> =>
      jobs.map(() => result);

  describe('refuses', () => {
    test.each<[string, Record<string, unknown>]>([
      ['no handler', { handle: undefined }],
      ['nobody to check receipts', { open: undefined }],
      ['unknown options', { batches: 5 }],
      ['a batch of nothing', { batch: 0 }],
      ['no attempt to spare', { maxAttempts: 1 }],
      ['a lease of no time', { leaseMs: 0 }],
      ['a back-off that shrinks', { backoff: { firstMs: 1000, mostMs: 10 } }],
    ])('%s', (_name, options) => {
      expect(() => work(all(DONE), options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    });

    test('to run what has no receipt: it ends as refused, and the handler never sees it', async () => {
      const seen: string[] = [];
      const [bad, worse, good] = [await accept(), await accept(), await accept()];
      const worker = work(
        async (jobs) => {
          seen.push(...jobs.map(({ entry }) => entry.id));
          return jobs.map(() => DONE);
        },
        {
          open: ({ id }) => {
            if (id === bad) throw new WatchwordError('receipt_invalid');
            if (id === worse) throw new TypeError('anything');
            return id;
          },
        },
      );
      await until(async () => (await queue.stats()).depth === 0);
      expect(seen).toEqual([good]);
      for (const id of [bad, worse])
        expect(await queue.status(id)).toMatchObject({ state: 'refused', reason: 'receipt_invalid' });
      expect(worker.stats()).toMatchObject({ claimed: 3, done: 1, refused: 2, errors: 2, held: 0 });
    });

    test('to run anything at or after its last moment', async () => {
      const [late, good] = [await accept({ runBeforeMs: START_MS }), await accept({ runBeforeMs: START_MS + 1 })];
      const seen: string[] = [];
      work(async (jobs) => {
        seen.push(...jobs.map(({ entry }) => entry.id));
        return jobs.map(() => DONE);
      });
      await until(async () => (await queue.stats()).depth === 0);
      expect(seen).toEqual([good]);
      expect(await queue.status(late)).toMatchObject({ state: 'refused', reason: 'token_too_old' });
    });
  });

  test('gives each entry, opened, to the handler and stores what comes of it', async () => {
    const ids = [await accept(), await accept(), await accept()];
    const outcomes: JobResult[] = [
      DONE,
      { state: 'refused', reason: 'token_revoked' },
      { state: 'dead', reason: 'upstream_unavailable' },
    ];
    const seen: Job<string>[] = [];
    work(async (jobs) => {
      seen.push(...jobs);
      return jobs.map(({ entry }) => outcomes[ids.indexOf(entry.id)]!);
    });
    for (const [index, id] of ids.entries()) {
      await until(ended(id));
      expect(await queue.status(id)).toMatchObject({ ...outcomes[index], attempts: 1 });
    }
    expect(seen.map(({ request }) => request).toSorted()).toEqual(ids.map((id) => `request of ${id}`).toSorted());
  });

  test('settles what is ready while another job of the batch still runs', async () => {
    const [slow, quick] = [await accept(), await accept()];
    const slowResult = Promise.withResolvers<JobResult>();
    work(async (jobs) => jobs.map(({ entry }) => (entry.id === slow ? slowResult.promise : DONE)));
    await until(ended(quick));
    expect(await queue.status(slow)).toMatchObject({ state: 'claimed' });
    slowResult.resolve(DONE);
    await until(ended(slow));
  });

  test('a job that takes long keeps its own place, and not those of its batch', async () => {
    const slow = await accept();
    const others: string[] = [];
    for (let index = 0; index < 20; index += 1) others.push(await accept());
    const { promise, resolve } = Promise.withResolvers<JobResult>();
    let most = 0;
    const worker = work(
      async (jobs) => {
        most = Math.max(most, worker.stats().held);
        return jobs.map(({ entry }) => (entry.id === slow ? promise : DONE));
      },
      { concurrency: 1, batch: 4 },
    );
    await until(async () => (await queue.stats()).depth === 1);
    expect(most).toBe(4);
    expect(await queue.status(slow)).toMatchObject({ state: 'claimed' });
    resolve(DONE);
    await until(ended(slow));
  });

  test('what is tried for the last time runs beside others when it is known to kill nobody', async () => {
    const failing = await accept();
    const slow = await accept();
    const { promise, resolve } = Promise.withResolvers<JobResult>();
    const attempts: number[] = [];
    work(
      async (jobs) =>
        jobs.map(({ entry, attempt }) => {
          if (entry.id !== failing) return promise;
          attempts.push(attempt);
          return { state: 'retry', reason: 'upstream_unavailable', afterMs: 0 };
        }),
      { maxAttempts: 3 },
    );
    await until(ended(failing));
    expect(attempts).toEqual([1, 2, 3]);
    expect(await queue.status(slow)).toMatchObject({ state: 'claimed' });
    resolve(DONE);
    await until(ended(slow));
  });

  test('tries again after a back-off that doubles, with jitter, and ends as a dead letter', async () => {
    const id = await accept();
    const attempts: number[] = [];
    const delays: number[] = [];
    const release = queue.release.bind(queue);
    queue.release = (claims) => {
      for (const { notBeforeMs } of claims) delays.push(notBeforeMs - nowMs);
      return release(claims);
    };
    const worker = work(
      async (jobs) => {
        attempts.push(...jobs.map(({ attempt }) => attempt));
        return jobs.map(() => ({ state: 'retry', reason: 'upstream_unavailable' }));
      },
      { maxAttempts: 5, backoff: { firstMs: 1000, mostMs: 3000 }, random: () => 0.5 },
    );
    await until(async () => {
      if (delays.length > 0) nowMs += delays.at(-1)!;
      return ended(id)();
    });
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    expect(delays).toEqual([750, 1500, 2250, 2250]);
    expect(await queue.status(id)).toMatchObject({ state: 'dead', reason: 'upstream_unavailable', attempts: 5 });
    expect(worker.stats()).toMatchObject({ retried: 4, dead: 1 });
  });

  test('what is nobody\u2019s fault waits until it is too old, for half of its age each time, and uses up no attempt', async () => {
    const id = await accept({ runBeforeMs: START_MS + 600_000 });
    const delays: number[] = [];
    const attempts: number[] = [];
    const release = queue.release.bind(queue);
    let isWaiting = false;
    queue.release = async (claims) => {
      for (const { notBeforeMs } of claims) delays.push(notBeforeMs - nowMs);
      const released = await release(claims);
      isWaiting = true;
      return released;
    };
    const worker = work(
      async (jobs) => {
        attempts.push(...jobs.map(({ attempt }) => attempt));
        return jobs.map(() => ({ state: 'wait', reason: 'keys_unavailable' }));
      },
      { maxAttempts: 2, random: () => 0.5 },
    );
    await until(async () => {
      if (isWaiting) nowMs += delays.at(-1)!;
      isWaiting = false;
      return ended(id)();
    });
    expect(delays.slice(0, 6)).toEqual([1000, 1000, 1000, 1500, 2250, 3375]);
    expect(Math.max(...delays)).toBe(60_000);
    expect(delays.length).toBeGreaterThan(15);
    expect(new Set(attempts)).toEqual(new Set([1]));
    expect(await queue.status(id)).toMatchObject({ state: 'refused', reason: 'token_too_old', endedAtMs: START_MS + 600_000 });
    expect(worker.stats()).toMatchObject({ waited: delays.length, retried: 0, dead: 0, refused: 1 });
  });

  test('what waits, with one attempt left, is as alone as before: nothing has been learnt about it', async () => {
    const suspect = await accept();
    await queue.claim('killed', 1, { leaseMs: 1, waitMs: 0 });
    nowMs += 1;
    const other = await accept();
    const seen: string[][] = [];
    let turns = 0;
    work(
      async (jobs) => {
        seen.push(jobs.map(({ entry }) => entry.id));
        return jobs.map(({ entry }) =>
          entry.id === suspect && (turns += 1) <= 3 ? { state: 'wait', reason: 'keys_unavailable', afterMs: 0 } : DONE,
        );
      },
      { maxAttempts: 2 },
    );
    await until(ended(suspect));
    await until(ended(other));
    for (const ids of seen) expect(ids).toHaveLength(1);
    expect(await queue.status(suspect)).toMatchObject({ state: 'done', attempts: 2 });
  });

  test('refuses what comes to its last moment while it waits to be tried again', async () => {
    const id = await accept({ runBeforeMs: START_MS + 500 });
    work(all({ state: 'retry', reason: 'upstream_unavailable', afterMs: 60_000 }));
    await until(async () => (await queue.status(id))!.attempts === 1 && (await queue.status(id))!.state === 'accepted');
    nowMs += 500;
    await until(ended(id));
    expect(await queue.status(id)).toMatchObject({ state: 'refused', reason: 'token_too_old' });
  });

  test('takes what the handler throws, or leaves out, for a retry of its own', async () => {
    const ids = [await accept(), await accept()];
    const worker = work(
      async (jobs) => {
        const [first] = jobs;
        if (first!.attempt === 1) throw new Error('a whole batch');
        if (first!.attempt === 2) return [];
        return jobs.map(() => Promise.reject(new WatchwordError('upstream_timeout')));
      },
      { maxAttempts: 3, backoff: { firstMs: 1, mostMs: 1 } },
    );
    await until(async () => {
      nowMs += 1;
      return (await queue.stats()).dead === 2;
    });
    for (const id of ids)
      expect(await queue.status(id)).toMatchObject({ state: 'dead', reason: 'upstream_timeout', attempts: 3 });
    expect(worker.stats().held).toBe(0);
  });

  test('puts away an outcome that breaks the contract instead of asking for ever', async () => {
    const id = await accept();
    work(all({ state: 'refused', reason: 'user-1 may not' }), { maxAttempts: 2, backoff: { firstMs: 1, mostMs: 1 } });
    await until(async () => {
      nowMs += 1;
      return ended(id)();
    });
    expect(await queue.status(id)).toMatchObject({ state: 'dead', reason: 'internal' });
  });

  test('ends what has killed it as often as allowed, without running it again', async () => {
    const id = await accept();
    for (let crash = 0; crash < 4; crash += 1) {
      expect(await queue.claim('crashed', 1, { leaseMs: 100, waitMs: 0 })).toHaveLength(1);
      nowMs += 100;
    }
    const seen: unknown[] = [];
    work(
      async (jobs) => {
        seen.push(...jobs);
        return jobs.map(() => DONE);
      },
      { maxAttempts: 3 },
    );
    await until(ended(id));
    expect(await queue.status(id)).toMatchObject({ state: 'dead', reason: 'attempts_exhausted' });
    expect(seen).toEqual([]);
  });

  test('tries an entry alone for the last time, so that a poisoned one takes no other with it', async () => {
    const poisoned = Array.from({ length: 3 }, () => entryOf());
    for (const entry of poisoned) await queue.accept(entry);
    await queue.claim('crashed', 3, { leaseMs: 100, waitMs: 0 });
    nowMs += 100;
    for (let index = 0; index < 10; index += 1) await accept();
    const together: number[] = [];
    let active = 0;
    work(
      async (jobs) => {
        active += jobs.length;
        const isSuspect = jobs.some(({ attempt }) => attempt === 2);
        if (isSuspect) together.push(active);
        await sleep(5);
        if (isSuspect) together.push(active);
        active -= jobs.length;
        return jobs.map(() => DONE);
      },
      { maxAttempts: 2, concurrency: 4, batch: 3 },
    );
    await until(async () => (await queue.stats()).depth === 0);
    expect(together).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test.each([1, 3])(
    'what is tried for the last time ends, too, while others have always work (%i batches)',
    async (concurrency) => {
      const last = await accept({ client: digestOf('client-last') });
      const [claim] = await queue.claim('earlier', 1, { leaseMs: 100, waitMs: 0 });
      await queue.release([{ claim: claim!, notBeforeMs: nowMs }]);
      for (let index = 0; index < 50; index += 1) await accept();
      const runs: string[] = [];
      work(
        async (jobs) => {
          await Promise.all(jobs.map(() => queue.accept(entryOf())));
          runs.push(...jobs.map(({ entry }) => entry.id));
          return jobs.map(() => DONE);
        },
        { maxAttempts: 2, concurrency, batch: 4 },
      );
      await until(() => runs.length > 500 || runs.includes(last));
      expect(runs).toContain(last);
    },
  );

  test('keeps what it works on for as long as it takes', async () => {
    const id = await accept();
    const result = Promise.withResolvers<JobResult>();
    const worker = work(async (jobs) => jobs.map(() => result.promise), { leaseMs: 300 });
    await until(() => worker.stats().held === 1);
    for (let turn = 0; turn < 6; turn += 1) {
      // The clock of the queue goes as the timers do.
      nowMs += 120;
      await sleep(130);
      expect(await queue.claim('another', 1, { leaseMs: 1000, waitMs: 0 })).toEqual([]);
    }
    result.resolve(DONE);
    await until(ended(id));
    expect(worker.stats()).toMatchObject({ done: 1, lost: 0 });
  });

  test('stops working on what it has lost, and can do nothing to it', async () => {
    const id = await accept();
    const jobs: Job<string>[] = [];
    const result = Promise.withResolvers<JobResult>();
    const worker = work(
      async (batch) => {
        jobs.push(...batch);
        return batch.map(() => result.promise);
      },
      { leaseMs: 300 },
    );
    await until(() => jobs.length === 1);
    // As if it had been asleep for longer than its lease.
    let claims: readonly Claim[] = [];
    await until(async () => {
      nowMs += 300;
      claims = await queue.claim('another', 1, { leaseMs: 60_000_000, waitMs: 0 });
      return claims.length === 1;
    });
    await until(() => jobs[0]!.signal.aborted);
    result.resolve({ state: 'refused', reason: 'token_revoked' });
    expect(await queue.settle([[claims[0]!, DONE]])).toEqual([true]);
    expect(await queue.status(id)).toMatchObject({ state: 'done' });
    await until(() => worker.stats().held === 0);
    expect(worker.stats()).toMatchObject({ lost: 1, refused: 0 });
  });

  test('goes on when the queue was away', async () => {
    const real = { settle: queue.settle.bind(queue), claim: queue.claim.bind(queue) };
    let failures = 0;
    const failing = async (): Promise<never> => {
      failures += 1;
      throw new WatchwordError('queue_unavailable');
    };
    queue.claim = async (...parts) => (failures < 2 ? failing() : real.claim(...parts));
    queue.settle = async (...parts) => (failures < 4 ? failing() : real.settle(...parts));
    const id = await accept();
    let runs = 0;
    const worker = work(async (jobs) => {
      runs += jobs.length;
      return jobs.map(() => DONE);
    });
    await until(ended(id));
    expect(await queue.status(id)).toMatchObject({ state: 'done', attempts: 1 });
    expect(runs).toBe(1);
    await until(() => worker.stats().done === 1);
  });

  describe('when it is stopped', () => {
    test('finishes what it has, and claims nothing more', async () => {
      const id = await accept();
      const result = Promise.withResolvers<JobResult>();
      const worker = work(async (jobs) => jobs.map(() => result.promise));
      await until(() => worker.stats().held === 1);
      const stopped = worker.stop();
      const later = await accept();
      await sleep(50);
      result.resolve(DONE);
      await stopped;
      expect(await queue.status(id)).toMatchObject({ state: 'done' });
      expect(await queue.status(later)).toMatchObject({ state: 'accepted', attempts: 0 });
      expect(worker.stats()).toMatchObject({ done: 1, givenBack: 0, held: 0 });
    });

    test('gives back at once what does not come to its end in time', async () => {
      const id = await accept();
      const jobs: Job<string>[] = [];
      const worker = work(async (batch) => {
        jobs.push(...batch);
        return batch.map(() => new Promise<JobResult>(() => {}));
      });
      await until(() => jobs.length === 1);
      await worker.stop({ graceMs: 20 });
      expect(jobs[0]!.signal.aborted).toBe(true);
      expect(await queue.claim('another', 1, { leaseMs: 1000, waitMs: 0 })).toMatchObject([{ entry: { id }, attempt: 2 }]);
      expect(worker.stats()).toMatchObject({ givenBack: 1, held: 0 });
    });
  });

  test('several of them end each entry once', async () => {
    const ids = await Promise.all(Array.from({ length: 300 }, () => accept()));
    const runs = new Map<string, number>();
    const handle: Handle = async (jobs) => {
      for (const { entry } of jobs) runs.set(entry.id, (runs.get(entry.id) ?? 0) + 1);
      return jobs.map(() => DONE);
    };
    for (let count = 0; count < 3; count += 1) work(handle, { batch: 7 });
    await until(async () => (await queue.stats()).depth === 0);
    expect([...runs.keys()].toSorted()).toEqual(ids.toSorted());
    expect([...runs.values()].every((count) => count === 1)).toBe(true);
    expect(errors).toEqual([]);
  });
});
