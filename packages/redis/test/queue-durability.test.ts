/** What a server must promise before anything is accepted, and how many servers must have it. */
import { randomUUID } from 'node:crypto';
import { type Schedule, systemSchedule } from '@watchword/core';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { entryOf } from '../../deferred/test/support/queue-harness.ts';
import { type RedisQueue, type RedisQueueOptions, createRedisQueue } from '../src/index.ts';
import { Address } from './support/address.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

function open(url: string, options: Partial<RedisQueueOptions> = {}): RedisQueue {
  const queue = createRedisQueue({ server: url, prefix: `test:${randomUUID()}`, timeoutMs: 10_000, ...options });
  onTestFinished(() => queue.close());
  return queue;
}

describe.skipIf(!hasRedis)('with redis-server (skipped where it is not installed: apt-get install redis-server)', () => {
  describe('a server that may lose what it has acknowledged', () => {
    let server: RedisServer;
    let admin: Redis;
    beforeAll(async () => {
      server = await RedisServer.startFast();
      admin = new Redis(server.url);
    });
    afterAll(async () => {
      admin.disconnect();
      await server.destroy();
    });
    afterEach(async () => {
      for (const [name, value] of SETTINGS) await admin.config('SET', name, value);
    });

    const SETTINGS = [
      ['appendonly', 'yes'],
      ['appendfsync', 'always'],
      ['no-appendfsync-on-rewrite', 'no'],
      ['maxmemory-policy', 'noeviction'],
    ] as const;

    test.each([
      ['appendonly', 'no', 'yes'],
      ['appendfsync', 'everysec', 'always'],
      ['no-appendfsync-on-rewrite', 'yes', 'no'],
      ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
    ])('by %s %s is given nothing, or a warning is given', async (name, is, must) => {
      await admin.config('SET', name, is);
      const refusal = `The Redis server may lose deferred requests that were acknowledged: ${name} is ${is}, must be ${must}`;
      const strict = open(server.url);
      await expect(strict.ready()).rejects.toMatchObject({ code: 'queue_unavailable', message: refusal });
      await expect(strict.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable', message: refusal });
      const warnings: string[] = [];
      const lenient = open(server.url, { durability: 'warn', onWarning: (warning) => warnings.push(warning) });
      expect(await lenient.accept(entryOf())).toMatchObject({ kind: 'accepted' });
      expect(warnings).toEqual([refusal]);
      // Put right, it is used again without more ado.
      await admin.config('SET', name, must);
      expect(await strict.accept(entryOf())).toMatchObject({ kind: 'accepted' });
    });

    test('from some moment on is given nothing from then on, though the connection stays open', async () => {
      const looks: (() => void)[] = [];
      const schedule: Schedule = (callback, delayMs, isAwaited) => {
        if (delayMs !== 60_000) return systemSchedule(callback, delayMs, isAwaited);
        looks.push(callback);
        return () => {};
      };
      const warnings: string[] = [];
      const onWarning = (warning: string): void => void warnings.push(warning);
      const [strict, lenient] = [open(server.url, { schedule }), open(server.url, { schedule, durability: 'warn', onWarning })];
      await strict.ready();
      await lenient.ready();
      await admin.config('SET', 'appendfsync', 'no');
      for (const look of looks.splice(0)) look();
      const accepting = (): Promise<string> =>
        strict.accept(entryOf()).then(
          ({ kind }) => kind,
          ({ message }: Error) => message,
        );
      const weakness = expect.stringContaining('appendfsync is no, must be always');
      await expect.poll(accepting, { timeout: 20_000 }).toEqual(weakness);
      await expect.poll(() => warnings, { timeout: 20_000 }).toEqual([weakness]);
      // Looked at again, and nothing new.
      await expect.poll(() => looks.length, { timeout: 20_000 }).toBeGreaterThan(0);
      for (const look of looks.splice(0)) look();
      await expect.poll(() => looks.length, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(warnings).toHaveLength(1);
      await admin.config('SET', 'appendfsync', 'always');
      await expect.poll(accepting, { timeout: 20_000 }).toBe('accepted');
    });

    test('for all that anybody knows, since its settings cannot be read, is given nothing either', async () => {
      await admin.call('ACL', 'SETUSER', 'guest', 'on', '>guest', '~*', '&*', '+@all', '-config');
      const url = server.url.replace('//', '//guest:guest@');
      const message = expect.stringContaining('cannot be read');
      await expect(open(url).accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable', message });
      const lenient = open(url, { durability: 'warn', onWarning: () => {} });
      expect(await lenient.accept(entryOf())).toMatchObject({ kind: 'accepted' });
    });
  });

  test('with replicas: 1 nothing counts as accepted that only the primary has, and a failover loses none of the rest', async () => {
    const primary = await RedisServer.start('always');
    const replica = await primary.startReplica();
    const address = await Address.of(primary);
    onTestFinished(async () => {
      await address.close();
      await replica.destroy();
      await primary.destroy();
    });
    const admin = new Redis(primary.url);
    onTestFinished(() => void admin.disconnect());
    await expect.poll(() => admin.info('replication'), { timeout: 20_000 }).toContain('state=online');

    const queue = open(address.url, { replicas: 1, timeoutMs: 1500 });
    const accepted = Array.from({ length: 20 }, () => entryOf());
    await expect.poll(() => queue.accept(entryOf()).catch(() => undefined), { timeout: 20_000 }).toBeDefined();
    for (const entry of accepted) expect(await queue.accept(entry)).toEqual({ kind: 'accepted', id: entry.id });
    replica.freeze();
    await expect(queue.accept(entryOf())).rejects.toMatchObject({
      code: 'queue_unavailable',
      message: 'Only 0 of 1 replicas have the change',
    });
    replica.thaw();
    await primary.kill();
    await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
    const successor = new Redis(replica.url);
    onTestFinished(() => void successor.disconnect());
    await successor.replicaof('NO', 'ONE');
    address.pointTo(replica);
    const status = async (id: string): Promise<unknown> => (await queue.status(id))?.state;
    await expect.poll(() => status(accepted[0]!.id).catch(() => undefined), { timeout: 20_000 }).toBe('accepted');
    for (const { id } of accepted) expect(await status(id)).toBe('accepted');
  });
});
