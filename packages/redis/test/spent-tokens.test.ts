import { describe, expect, onTestFinished, test } from 'vitest';
import { createRedisSpentTokens } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

const LATER = Date.now() + 3_600_000;

describe('a Redis ledger of spent tokens refuses', () => {
  test.each([
    ['no server', {}],
    ['a URL of something else', { server: 'https://redis.example' }],
    ['an empty prefix', { server: 'redis://127.0.0.1:1', prefix: '' }],
    ['no time to answer', { server: 'redis://127.0.0.1:1', timeoutMs: NaN }],
    ['unknown options', { server: 'redis://127.0.0.1:1', ttl: 1 }],
  ])('%s', (_name, options) => {
    expect(() => createRedisSpentTokens(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('to say anything when there is no server', async () => {
    const spent = createRedisSpentTokens({ server: 'redis://127.0.0.1:1', timeoutMs: 500 });
    await expect(spent.spend('a', LATER)).rejects.toThrow();
    await spent.close();
  });
});

describe.skipIf(!hasRedis)('with redis-server', () => {
  test('B12: a token is spent once across instances, and after kill -9 and restart', async () => {
    const server = await RedisServer.start('always');
    const instances = [1, 2].map(() => createRedisSpentTokens({ server: server.url }));
    const won = await Promise.all(Array.from({ length: 100 }, (_, index) => instances[index % 2]!.spend('once', LATER)));
    expect(won.filter(Boolean)).toHaveLength(1);
    await server.kill();
    await expect(instances[0]!.spend('other', LATER)).rejects.toThrow();
    await server.restart();
    for (const instance of instances) expect(await instance.spend('once', LATER)).toBe(false);
    expect(await instances[1]!.spend('other', LATER)).toBe(true);
    for (const instance of instances) await instance.close();
    await expect(instances[0]!.spend('closed', LATER)).rejects.toMatchObject({ code: 'replay_unavailable' });
    await server.destroy();
  });

  test('B12: a server whose clock is far ahead does not make a token new again', async () => {
    const server = await RedisServer.start('always');
    onTestFinished(() => server.destroy());
    const clock = (): number => Date.now() - 7_200_000;
    const spent = createRedisSpentTokens({ server: server.url, clock });
    expect(await spent.spend('proof', clock() + 130_000)).toBe(true);
    expect(await spent.spend('proof', clock() + 130_000)).toBe(false);
    // However short it is to be kept, it is.
    expect(await spent.spend('late', clock() - 1)).toBe(true);
    expect(await spent.spend('late', clock() - 1)).toBe(false);
    await expect(spent.spend('for ever', Infinity)).rejects.toThrow();
    await spent.close();
  });
});
