/** The queue in front of the thread pool, with work that the test ends itself. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, test } from 'vitest';
import { CheckQueue, type CheckQueueLimits } from '../../src/jws/check-queue.ts';
import { codeOf } from '../support/verdicts.ts';

let nowMs = 0;
let timers: { readonly atMs: number; readonly callback: () => void }[] = [];
/** Work that has begun, in this order. */
let begun: { readonly name: number; readonly end: PromiseWithResolvers<boolean> }[] = [];

beforeEach(() => {
  nowMs = 0;
  timers = [];
  begun = [];
});

function queueOf(limits: Partial<CheckQueueLimits> = {}): CheckQueue {
  const all = { concurrency: 2, burstConcurrency: 2, maxWaiting: 3, maxWaitMs: 100, burstMs: 0, ...limits };
  return new CheckQueue(
    all,
    () => nowMs,
    (callback, delayMs) => {
      timers.push({ atMs: nowMs + delayMs, callback });
      return () => {};
    },
  );
}

/** Adds named work. @returns what becomes of it, as a word */
function add(queue: CheckQueue, name: number): Promise<string> {
  const end = Promise.withResolvers<boolean>();
  const work = (): Promise<boolean> => {
    begun.push({ name, end });
    return end.promise;
  };
  try {
    return queue.add(work).then(String, codeOf);
  } catch (error) {
    return Promise.resolve(codeOf(error));
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** Lets time pass, and timers fire. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  const due = timers.filter(({ atMs }) => atMs <= nowMs);
  timers = timers.filter(({ atMs }) => atMs > nowMs);
  for (const { callback } of due) callback();
  await settle();
}

/** Ends what is in the pool, one piece at a time, each so many milliseconds after the one before. */
async function endEach(count: number, ms: number): Promise<void> {
  for (let ended = 0; ended < count; ended += 1) {
    await pass(ms);
    begun.shift()!.end.resolve(true);
    await settle();
  }
}

const names = (): number[] => begun.map(({ name }) => name);

describe('CheckQueue', () => {
  test('refuses beyond its length, at once', async () => {
    const queue = queueOf();
    const answers = [0, 1, 2, 3, 4].map((name) => add(queue, name));
    expect(await add(queue, 5)).toBe('overloaded');
    expect(queue.counts).toEqual({ started: 2, shed: 1, running: 2, waiting: 3 });
    for (let at = 0; at < 5; at += 1) {
      begun[at]!.end.resolve(true);
      await settle();
    }
    expect(await Promise.all(answers)).toEqual(['true', 'true', 'true', 'true', 'true']);
    expect(names()).toEqual([0, 1, 2, 3, 4]);
  });

  test('refuses who would wait too long, as far as the latest times tell', async () => {
    const queue = queueOf({ concurrency: 1, maxWaiting: 1_000_000 });
    // 100 pieces of work of 10 ms each: ten of them are as long as anybody waits.
    for (let name = 0; name < 100; name += 1) {
      void add(queue, name);
      nowMs += 10;
      begun[name]!.end.resolve(true);
      await settle();
    }
    begun = [];
    const answers = Array.from({ length: 20 }, (_, name) => add(queue, name));
    await settle();
    expect(queue.counts).toMatchObject({ shed: 9, running: 1, waiting: 10 });
    expect(await answers[19]).toBe('overloaded');
  });

  test('refuses those who have waited too long, with one timer for all', async () => {
    const queue = queueOf({ concurrency: 1 });
    const first = add(queue, 0);
    await pass(60);
    const second = add(queue, 1);
    expect(timers).toHaveLength(1);
    await pass(39);
    expect(queue.counts.shed).toBe(0);
    await pass(1);
    expect(await first).toBe('overloaded');
    expect(queue.counts).toMatchObject({ shed: 1, running: 1, waiting: 1 });
    expect(timers).toHaveLength(1);
    await pass(60);
    expect(await second).toBe('overloaded');
    expect(timers).toHaveLength(0);
  });

  test('gives the pool no more work while it does not end what it has, and goes on when it does', async () => {
    const queue = queueOf({ concurrency: 1 });
    void add(queue, 0);
    for (let name = 1; name < 10; name += 1) {
      const answer = add(queue, name);
      await pass(100);
      expect(await answer).toBe('overloaded');
    }
    expect(names()).toEqual([0]);
    await pass(60_000);
    begun[0]!.end.resolve(true);
    await settle();
    // One long wait must not make the estimate so bad that nobody gets in.
    const answers = [add(queue, 10), add(queue, 11)];
    begun[1]!.end.resolve(true);
    await settle();
    begun[2]!.end.resolve(false);
    expect(await Promise.all(answers)).toEqual(['true', 'false']);
    expect(queue.counts).toMatchObject({ running: 0, waiting: 0 });
  });

  describe('a burst after a quiet time', () => {
    const limits = { concurrency: 1, burstConcurrency: 1, maxWaiting: 100, maxWaitMs: 100, burstMs: 1000 };

    test('is answered as a whole if that takes no longer than it may, however slow the latest times were', async () => {
      const queue = queueOf(limits);
      // Its second half comes when it has become clear that its last piece will wait for much longer than 100 ms.
      const answers = Array.from({ length: 50 }, (_, name) => add(queue, name));
      await endEach(25, 10);
      answers.push(...Array.from({ length: 50 }, (_, name) => add(queue, 50 + name)));
      await endEach(74, 10);
      expect(queue.counts).toMatchObject({ shed: 0, waiting: 0, running: 1 });
      await endEach(1, 5);
      expect(await Promise.all(answers)).toEqual(Array.from(answers, () => 'true'));
    });

    test('is refused beyond the length of the queue, at once', async () => {
      const queue = queueOf(limits);
      const answers = Array.from({ length: 150 }, (_, name) => add(queue, name));
      expect(queue.counts).toEqual({ started: 1, shed: 49, running: 1, waiting: 100 });
      await endEach(101, 5);
      expect((await Promise.all(answers)).filter((answer) => answer === 'true')).toHaveLength(101);
    });

    test('is refused when its time is over, and those who come then have no more than everybody', async () => {
      const queue = queueOf(limits);
      const answers = Array.from({ length: 100 }, (_, name) => add(queue, name));
      await endEach(49, 20);
      // At 980 ms, behind 50 that take 20 ms each.
      expect(await add(queue, 100)).toBe('overloaded');
      await pass(20);
      expect(await Promise.all(answers.slice(49))).toEqual(Array.from({ length: 51 }, () => 'overloaded'));
      expect(queue.counts).toMatchObject({ shed: 52, waiting: 0, running: 1 });
      // Nobody waits, but the pool has not got on: that is not quiet.
      const next = add(queue, 101);
      await pass(99);
      expect(queue.counts.waiting).toBe(1);
      await pass(1);
      expect(await next).toBe('overloaded');
    });

    test('may have more of the pool than what lasts', async () => {
      const queue = queueOf({ ...limits, burstConcurrency: 3, maxWaitMs: 2000 });
      for (let name = 0; name < 100; name += 1) void add(queue, name);
      expect(queue.counts.running).toBe(3);
      await pass(999);
      begun[0]!.end.resolve(true);
      await settle();
      expect(queue.counts.running).toBe(3);
      await pass(1);
      for (let name = 1; name < 4; name += 1) begun[name]!.end.resolve(true);
      await settle();
      expect(queue.counts.running).toBe(1);
    });
  });

  test('answers a late end of refused work no second time', async () => {
    const queue = queueOf({ concurrency: 1 });
    const answer = add(queue, 0);
    await pass(100);
    begun[0]!.end.resolve(true);
    await settle();
    expect(await answer).toBe('overloaded');
    expect(queue.counts).toEqual({ started: 1, shed: 1, running: 0, waiting: 0 });
  });

  test('a flood that fills it refuses nobody any more once it is over', async () => {
    const queue = queueOf();
    const flood = Array.from({ length: 1000 }, (_, name) => add(queue, name));
    for (let at = 0; at < 5; at += 1) {
      begun[at]!.end.resolve(false);
      await settle();
    }
    expect((await Promise.all(flood)).filter((answer) => answer === 'overloaded')).toHaveLength(995);
    const answer = add(queue, 1000);
    begun[5]!.end.resolve(true);
    expect(await answer).toBe('true');
  });

  test.each([
    ['rejects', (): Promise<boolean> => Promise.reject(new RangeError('broken'))],
    [
      'throws',
      (): Promise<boolean> => {
        throw new RangeError('broken');
      },
    ],
  ])('work that %s is a rejection and frees its place', async (_, work) => {
    const queue = queueOf({ concurrency: 1 });
    await expect(queue.add(work)).rejects.toThrow(RangeError);
    await settle();
    expect(queue.counts).toMatchObject({ running: 0, waiting: 0 });
    const answer = add(queue, 1);
    begun[0]!.end.resolve(true);
    expect(await answer).toBe('true');
  });

  test('D5: work runs on nobody’s behalf, and callers go on as themselves', async () => {
    const caller = new AsyncLocalStorage<string>();
    const queue = queueOf({ concurrency: 1 });
    const seen: (string | undefined)[] = [];
    const work = async (): Promise<boolean> => {
      seen.push(caller.getStore());
      await Promise.resolve();
      return true;
    };
    const goOn = async (): Promise<string | undefined> => {
      await queue.add(work);
      return caller.getStore();
    };
    const after = await Promise.all(['user-1', 'user-2', 'user-3'].map((name) => caller.run(name, goOn)));
    expect(after).toEqual(['user-1', 'user-2', 'user-3']);
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
});
