import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ISSUER, START_MS, digestOf, entryOf } from '../../deferred/test/support/queue-harness.ts';
import { describeQueue } from '../../deferred/test/support/queue-suite.ts';
import { type RedisQueue, type RedisQueueOptions, createRedisQueue } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

const LEASE = { leaseMs: 10_000, waitMs: 0 } as const;
const DONE = { state: 'done', status: 200 } as const;

describe('a queue in Redis refuses', () => {
  test.each<[string, Record<string, unknown>]>([
    ['no server', { server: undefined }],
    ['a URL of something else', { server: 'https://redis.example' }],
    ['a prefix with braces', { prefix: 'a{b}' }],
    ['an empty prefix', { prefix: '' }],
    ['unknown options', { appendfsync: 'always' }],
    ['null', { prefix: null }],
    ['no room', { limits: { entries: 0 } }],
    ['to forget outcomes at once', { outcomesKeptMs: 0 }],
    ['to look without pause', { pollMs: 0 }],
    ['no time to answer', { timeoutMs: NaN }],
    ['another durability', { durability: 'none' }],
    ['half a replica', { replicas: 0.5 }],
    ['a clock that is none', { clock: 5 }],
  ])('%s', (_name, options) => {
    const all = { server: 'redis://127.0.0.1:1', ...options };
    expect(() => createRedisQueue(all as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('everything with queue_unavailable when there is no server', async () => {
    const queue = createRedisQueue({ server: 'redis://127.0.0.1:1' });
    const expected = { code: 'queue_unavailable' };
    await expect(queue.ready()).rejects.toMatchObject(expected);
    await expect(queue.accept(entryOf())).rejects.toMatchObject(expected);
    await expect(queue.claim('worker-1', 1, LEASE)).rejects.toMatchObject(expected);
    await expect(queue.stats()).rejects.toMatchObject(expected);
    await queue.close();
  });
});

describe.skipIf(!hasRedis)('with redis-server (skipped where it is not installed: apt-get install redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.startFast();
  });
  afterAll(() => server.destroy());

  describeQueue('Redis Streams', async () => {
    const prefix = `test:${randomUUID()}`;
    return {
      open: (choices) => createRedisQueue({ server: server.url, prefix, pollMs: 5, timeoutMs: 20_000, ...choices }),
      process: { module: resolve(import.meta.dirname, 'support/queue-open.ts'), argument: `${server.url} ${prefix}` },
      destroy: async () => {},
    };
  });

  describe('a queue in Redis', () => {
    let prefix: string;
    let admin: Redis;
    let queues: RedisQueue[];
    beforeEach(() => {
      prefix = `test:${randomUUID()}`;
      admin = new Redis(server.url);
      queues = [];
    });
    afterEach(async () => {
      await admin.config('SET', 'maxmemory', '0');
      admin.disconnect();
      for (const queue of queues) await queue.close();
    });
    const open = (options: Partial<RedisQueueOptions> = {}): RedisQueue => {
      const queue = createRedisQueue({ server: server.url, prefix, clock: () => START_MS, timeoutMs: 20_000, ...options });
      queues.push(queue);
      return queue;
    };
    const keys = async (): Promise<string[]> => (await admin.keys(`*${prefix}*`)).toSorted();

    test('is streams with a consumer group: what was delivered is pending until it has ended, then it is in neither', async () => {
      const queue = open();
      for (let index = 0; index < 3; index += 1) await queue.accept(entryOf());
      const claims = await queue.claim('worker-1', 2, LEASE);
      const stream = `{${prefix}}:stream`;
      const pending = async (): Promise<unknown> => ((await admin.xpending(stream, 'workers')) as unknown[]).at(0);
      expect([await admin.xlen(stream), await pending()]).toEqual([3, 2]);
      await queue.settle([[claims[0]!, DONE]]);
      expect([await admin.xlen(stream), await pending()]).toEqual([2, 1]);
      // A dead letter keeps its message.
      await queue.settle([[claims[1]!, { state: 'dead', reason: 'crash' }]]);
      expect([await admin.xlen(stream), await pending()]).toEqual([2, 1]);
    });

    test('keeps all its keys in one slot of a cluster', async () => {
      const queue = open();
      for (const client of ['a', 'b']) await queue.accept(entryOf({ client: digestOf(client), idempotencyKey: client }));
      const claims = await queue.claim('worker-1', 2, LEASE);
      await queue.release([{ claim: claims[0]!, notBeforeMs: START_MS + 5000 }]);
      await queue.settle([[claims[1]!, { state: 'done', status: 200, result: new Uint8Array([1]) }]]);
      const names = await keys();
      expect(names.length).toBeGreaterThan(8);
      for (const name of names) expect(name).toMatch(new RegExp(`^\\{${prefix}\\}:`));
    });

    test('leaves alone what another version has made', async () => {
      await open().accept(entryOf());
      expect(await open().accept(entryOf())).toMatchObject({ kind: 'accepted' });
      await admin.hset(`{${prefix}}:head`, 'layout', '99');
      const expected = { code: 'queue_unavailable', message: 'The queue in Redis was made by another version' };
      await expect(open().accept(entryOf())).rejects.toMatchObject(expected);
      await expect(open().claim('worker-1', 1, LEASE)).rejects.toMatchObject(expected);
    });

    test('leaves nothing behind of what has ended and is forgotten', async () => {
      let nowMs = START_MS;
      const queue = open({ clock: () => nowMs, outcomesKeptMs: 1000 });
      for (let round = 0; round < 5; round += 1) {
        for (let index = 0; index < 20; index += 1) {
          const part = { idempotencyKey: digestOf(`${round} ${index}`), client: digestOf(`client ${round}`) };
          await queue.accept(entryOf({ acceptedAtMs: nowMs, ...part }));
        }
        const claims = await queue.claim('worker-1', 20, LEASE);
        const outcomes = claims.map((claim) => [claim, { ...DONE, result: new Uint8Array(9) }] as const);
        expect(await queue.settle(outcomes)).not.toContain(false);
        nowMs += 2000;
      }
      while ((await admin.exists(`{${prefix}}:ended`)) === 1) await queue.claim('worker-1', 1, LEASE);
      expect(await keys()).toEqual(['head', 'paces', 'stream'].map((name) => `{${prefix}}:${name}`));
      expect(await admin.xlen(`{${prefix}}:stream`)).toBe(0);
    });

    test('goes on when the server has forgotten its scripts', async () => {
      const queue = open();
      await queue.accept(entryOf());
      await admin.script('FLUSH');
      await Promise.all(Array.from({ length: 10 }, () => queue.accept(entryOf())));
      expect((await queue.stats()).depth).toBe(11);
    });

    test('claims more than goes into one answer', async () => {
      const queue = open({ limits: { issuerShare: 1, clientShare: 1 } });
      const large = Array.from({ length: 20 }, () => entryOf({ payload: new Uint8Array(2 ** 20) }));
      const small = Array.from({ length: 300 }, () => entryOf());
      for (const entry of [...large, ...small]) await queue.accept(entry);
      const claims = await queue.claim('worker-1', 310, LEASE);
      expect(claims.map(({ entry }) => entry.id)).toEqual([...large, ...small].slice(0, 310).map(({ id }) => id));
      expect(await queue.settle(claims.map((claim) => [claim, DONE] as const))).not.toContain(false);
    });

    test("is told apart while somebody else's script keeps the server busy, and goes on afterwards", async () => {
      const queue = open();
      await queue.accept(entryOf());
      await admin.config('SET', 'lua-time-limit', '10');
      const other = new Redis(server.url);
      const endless = other.eval('while true do end', 0).catch(() => {});
      const message = 'Redis cannot be asked (BUSY)';
      await expect.poll(() => queue.stats().catch((error: Error) => error.message), { timeout: 20_000 }).toBe(message);
      await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable', message });
      await admin.script('KILL');
      await endless;
      other.disconnect();
      expect(await queue.accept(entryOf())).toMatchObject({ kind: 'accepted' });
      expect((await queue.stats()).depth).toBe(2);
    });

    test('without memory accepts nothing, but can be worked off', async () => {
      const queue = open();
      const entries = [entryOf(), entryOf(), entryOf({ client: digestOf('another') }), entryOf()];
      for (const entry of entries) await queue.accept(entry);
      const [first] = await queue.claim('worker-1', 1, LEASE);
      await admin.config('SET', 'maxmemory', '1');
      await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
      const [second, third, fourth] = await queue.claim('worker-1', 3, LEASE);
      expect(await queue.extend([first!, second!], 5000)).toHaveLength(2);
      expect(await queue.release([{ claim: third!, notBeforeMs: START_MS }])).toEqual([true]);
      const dead = { state: 'dead', reason: 'crash' } as const;
      expect(
        await queue.settle([
          [first!, DONE],
          [second!, { ...DONE, result: new Uint8Array(100) }],
          [fourth!, dead],
        ]),
      ).toEqual([true, true, true]);
      expect(await queue.replay([fourth!.entry.id])).toHaveLength(1);
      await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
      expect(await queue.stats()).toMatchObject({ depth: 2, totals: { accepted: 4, done: 2 } });
      await admin.config('SET', 'maxmemory', '0');
      expect(await queue.accept(entryOf())).toMatchObject({ kind: 'accepted' });
    });

    test('an entry that somebody has spoilt stops no other one, nor does an account', async () => {
      const queue = open();
      const [spoilt, ...others] = [entryOf(), entryOf(), entryOf({ issuer: 'https://other.example' })];
      for (const entry of [spoilt!, ...others]) await queue.accept(entry);
      await admin.hset(`{${prefix}}:entries`, spoilt!.id, Buffer.from([0xc1]));
      await admin.hset(`{${prefix}}:issuers`, ISSUER, Buffer.from([0xc1]));
      const claims = await queue.claim('worker-1', 4, LEASE);
      expect(claims.map(({ entry }) => entry.id).toSorted()).toEqual(others.map(({ id }) => id).toSorted());
      expect(await queue.settle(claims.map((claim) => [claim, DONE] as const))).toEqual([true, true]);
      expect(await queue.claim('worker-1', 4, LEASE)).toEqual([]);
      expect(await queue.status(spoilt!.id)).toBeUndefined();
      expect((await queue.stats()).totals).toMatchObject({ accepted: 3, done: 2 });
    });

    test('a consumer group that somebody has deleted loses nothing', async () => {
      const queue = open();
      const entries = Array.from({ length: 3 }, () => entryOf());
      for (const entry of entries) await queue.accept(entry);
      const [claimed] = await queue.claim('worker-1', 1, LEASE);
      await admin.xgroup('DESTROY', `{${prefix}}:stream`, 'workers');
      const claims = await queue.claim('worker-1', 4, LEASE);
      expect(claims.map(({ entry }) => entry.id)).toEqual([entries[1]!.id, entries[2]!.id]);
      expect(await queue.settle([claimed!, ...claims].map((claim) => [claim, DONE] as const))).toEqual([true, true, true]);
      expect(await queue.stats()).toMatchObject({ depth: 0, totals: { accepted: 3, done: 3, refused: 0 } });
    });

    test('refuses what somebody has deleted, with that reason, and goes on with all others', async () => {
      const queue = open();
      const entries = Array.from({ length: 4 }, () => entryOf());
      for (const entry of entries) await queue.accept(entry);
      const stream = `{${prefix}}:stream`;
      const [claimed] = await queue.claim('worker-1', 1, LEASE);
      await queue.release([{ claim: claimed!, notBeforeMs: START_MS }]);
      const messages = await admin.xrange(stream, '-', '+');
      await admin.xdel(stream, messages[0]![0], messages[2]![0]);
      const claims = await queue.claim('worker-1', 4, LEASE);
      expect(claims.map(({ entry }) => entry.id)).toEqual([entries[1]!.id, entries[3]!.id]);
      for (const index of [0, 2]) {
        expect(await queue.status(entries[index]!.id)).toMatchObject({ state: 'refused', reason: 'payload_lost' });
      }
      const last = entryOf();
      await queue.accept(last);
      await admin.del(stream);
      expect(await queue.claim('worker-1', 4, LEASE)).toEqual([]);
      expect(await queue.status(last.id)).toMatchObject({ state: 'refused', reason: 'payload_lost' });
      expect(await queue.settle(claims.map((claim) => [claim, DONE] as const))).toEqual([true, true]);
      expect(await queue.stats()).toMatchObject({ depth: 0, totals: { accepted: 5, done: 2, refused: 3 } });
    });
  });
});
