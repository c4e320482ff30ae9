/** A server that is killed in the middle of writing down a script, and then once more: what is left of it must do no harm. */
import type { Claim, NewEntry } from '@watchword/deferred';
import { describe, expect, onTestFinished, test } from 'vitest';
import { START_MS, entryOf } from '../../deferred/test/support/queue-harness.ts';
import { type RedisQueue, createRedisQueue } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

const LEASE = { leaseMs: 1000, waitMs: 0 } as const;
const DONE = { state: 'done', status: 200 } as const;

/** What is being written when the server is killed the first time. The one who asked hears nothing of it. */
const TORN: Readonly<Record<string, (queue: RedisQueue, claims: readonly Claim[]) => Promise<unknown>>> = {
  accept: (queue) => queue.accept(entryOf()),
  claim: (queue) => queue.claim('worker-1', 5, LEASE),
  settle: (queue, claims) => queue.settle(claims.slice(0, 2).map((claim) => [claim, DONE] as const)),
  release: (queue, claims) => queue.release(claims.slice(0, 2).map((claim) => ({ claim, notBeforeMs: START_MS + 50 }))),
};

describe.skipIf(!hasRedis)('with redis-server (skipped where it is not installed: apt-get install redis-server)', () => {
  const cases = Object.keys(TORN).flatMap((kind) => [0.1, 0.35, 0.6, 0.85, 0.99].map((share) => [kind, share] as const));
  test.each(cases)(
    'S17: killed in the middle of %s (%s of it written), and again: nothing acknowledged is lost',
    async (kind, share) => {
      const server = await RedisServer.startFast();
      onTestFinished(() => server.destroy());
      let nowMs = START_MS;
      const accepted = new Map<string, NewEntry>();
      const ended: string[] = [];
      const during = async <Result>(work: (queue: RedisQueue) => Promise<Result>): Promise<Result> => {
        const queue = createRedisQueue({ server: server.url, clock: () => nowMs, timeoutMs: 20_000 });
        try {
          return await work(queue);
        } finally {
          await queue.close();
        }
      };
      const accept = async (queue: RedisQueue, count: number): Promise<void> => {
        for (let index = 0; index < count; index += 1) {
          const entry = entryOf();
          expect(await queue.accept(entry)).toMatchObject({ kind: 'accepted' });
          accepted.set(entry.id, entry);
        }
      };
      const finish = async (queue: RedisQueue, claims: readonly Claim[]): Promise<void> => {
        const answers = await queue.settle(claims.map((claim) => [claim, DONE] as const));
        for (const [index, { entry }] of claims.entries()) if (answers[index] === true) ended.push(entry.id);
      };

      const claims = await during(async (queue) => {
        await accept(queue, 12);
        const own = await queue.claim('worker-1', 4, LEASE);
        await finish(queue, own.slice(3));
        await TORN[kind]!(queue, own);
        return own;
      });
      await server.kill();
      server.tearLastTransaction(share);
      await server.restart();
      await during(async (queue) => {
        await accept(queue, 5);
        // Who had asked in vain asks again.
        await finish(queue, claims.slice(0, 2));
        nowMs += 100;
        await finish(queue, await queue.claim('worker-2', 3, LEASE));
        await queue.claim('worker-2', 2, LEASE);
      });
      await server.kill();
      await server.restart();
      await during(async (queue) => {
        await accept(queue, 3);
        for (let idle = 0; idle < 2; idle += 1) {
          nowMs += 5000;
          for (;;) {
            const own = await queue.claim('worker-3', 4, LEASE);
            if (own.length === 0) break;
            for (const { entry } of own) {
              const first = accepted.get(entry.id);
              if (first !== undefined) expect(Buffer.from(entry.payload).equals(first.payload)).toBe(true);
            }
            await finish(queue, own);
          }
        }
        for (const id of accepted.keys()) expect(await queue.status(id)).toMatchObject({ state: 'done' });
        expect(new Set(ended).size).toBe(ended.length);
      });
    },
  );
});
