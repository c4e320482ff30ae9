import { describe, expect, test } from 'vitest';
import { describeRevocationLog } from '../../core/test/revocation/log-suite.ts';
import { createRedisRevocationLog } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

describe('a Redis log refuses', () => {
  const server = 'redis://127.0.0.1:1';
  test.each<[string, unknown]>([
    ['no options', undefined],
    ['no server', {}],
    ['a URL of something else', { server: 'https://redis.example' }],
    ['what is no URL', { server: '127.0.0.1:6379' }],
    ['unknown options', { server, host: 'redis' }],
    ['null', { server, heartbeatMs: null }],
    ['an empty prefix', { server, prefix: '' }],
    ['a prefix that would spread its keys over a cluster', { server, prefix: 'a}{b' }],
    ['no pause at all', { server, heartbeatMs: 0 }],
    ['no time to answer', { server, timeoutMs: NaN }],
    ['half a message', { server, streamLength: 0.5 }],
    ['a clock that is none', { server, clock: 7 }],
  ])('%s', (_name, options) => {
    expect(() => createRedisRevocationLog(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});

describe.skipIf(!hasRedis)('with redis-server', () => {
  describeRevocationLog('Redis', async () => {
    const server = await RedisServer.start();
    return { open: () => createRedisRevocationLog({ server: server.url, heartbeatMs: 50 }), destroy: () => server.destroy() };
  });
});
