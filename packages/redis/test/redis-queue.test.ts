import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeQueue } from '../../deferred/test/support/queue-suite.ts';
import { createRedisQueue } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';

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
});
