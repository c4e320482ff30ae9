import { describe, expect, test, vi } from 'vitest';
import { RedisServer, hasRedis } from '../../../redis/test/support/redis-server.ts';
import { startEdge } from '../support/edge.ts';
import { byJti } from '../support/revoking.ts';
import { getMany } from '../support/threads.ts';
import { startUpstream } from '../support/upstream.ts';

const PATIENCE = { timeout: 30_000 };

describe.skipIf(!hasRedis)('revocations while their log is away (needs redis-server)', () => {
  test('D7: what could not be stored is in force in all threads, and stored later', { timeout: 120_000 }, async () => {
    const redis = await RedisServer.start();
    try {
      const revocation = { log: { redis: redis.url }, whenStale: 'accept' };
      const edge = await startEdge((await startUpstream()).url, { threads: 4, revocation });
      const revoked = edge.bearer({ jti: 'id-1' });
      expect(new Set(await getMany(edge.port, 32, revoked))).toEqual(new Set([200]));
      await redis.kill();
      const answer = await fetch(`${edge.control}/revocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(byJti('id-1')),
      });
      expect(answer.status).toBe(503);
      expect(new Set(await getMany(edge.port, 64, revoked))).toEqual(new Set([401]));
      expect(new Set(await getMany(edge.port, 64, edge.bearer({ jti: 'id-2' })))).toEqual(new Set([200]));
      await redis.restart();
      await vi.waitFor(async () => expect(await edge.metrics()).toMatch(/^watchword_revocation_owed 0$/m), PATIENCE);
      const other = await startEdge((await startUpstream()).url, { revocation });
      await vi.waitFor(
        async () => expect((await fetch(`${other.url}/api/x`, { headers: other.bearer({ jti: 'id-1' }) })).status).toBe(401),
        PATIENCE,
      );
    } finally {
      await redis.destroy();
    }
  });
});
