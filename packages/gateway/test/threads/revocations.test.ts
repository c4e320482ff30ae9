import { describe, expect, test, vi } from 'vitest';
import { RedisServer, hasRedis } from '../../../redis/test/support/redis-server.ts';
import { startEdge } from '../support/edge.ts';
import { byJti } from '../support/revoking.ts';
import { getMany, watchThreads } from '../support/threads.ts';
import { startUpstream } from '../support/upstream.ts';

const PATIENCE = { timeout: 30_000 };

async function revoke(control: string, jti: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${control}/revocations`, { method: 'POST', headers, body: JSON.stringify(byJti(jti)) })).status;
}

describe.skipIf(!hasRedis)('revocations while their log is away (needs redis-server)', () => {
  test('D7: what could not be stored is in force in all threads, and stored later', { timeout: 120_000 }, async () => {
    const redis = await RedisServer.start();
    try {
      const revocation = { log: { redis: redis.url }, whenStale: 'accept' };
      const edge = await startEdge((await startUpstream()).url, { threads: 4, revocation });
      const revoked = edge.bearer({ jti: 'id-1' });
      expect(new Set(await getMany(edge.port, 32, revoked))).toEqual(new Set([200]));
      await redis.kill();
      expect(await revoke(edge.control, 'id-1')).toBe(503);
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

  test('D7: a thread that comes later knows what could not be stored, too', { timeout: 60_000 }, async () => {
    const threads = watchThreads();
    // Without its replica it can be read, and takes nothing.
    const redis = await RedisServer.startFast('--min-replicas-to-write', '1');
    const replica = await redis.startReplica();
    try {
      const edge = await startEdge((await startUpstream()).url, { threads: 2, revocation: { log: { redis: redis.url } } });
      await vi.waitFor(async () => expect((await fetch(`${edge.control}/readyz`)).status).toBe(200), PATIENCE);
      const revoked = edge.bearer({ jti: 'id-1' });
      expect(new Set(await getMany(edge.port, 32, revoked))).toEqual(new Set([200]));
      await replica.kill();
      // As soon as it has noticed.
      await vi.waitFor(async () => expect(await revoke(edge.control, 'id-0')).toBe(503), PATIENCE);
      expect(await revoke(edge.control, 'id-1')).toBe(503);
      await Promise.all(threads.map((thread) => thread.terminate()));
      // All that serve now have begun after it.
      await vi.waitFor(async () => expect((await fetch(`${edge.control}/readyz`)).status).toBe(200), PATIENCE);
      expect(threads).toHaveLength(4);
      expect(new Set(await getMany(edge.port, 64, revoked))).toEqual(new Set([401]));
      expect(new Set(await getMany(edge.port, 64, edge.bearer({ jti: 'id-2' })))).toEqual(new Set([200]));
      expect(await edge.metrics()).not.toMatch(/^watchword_revocation_owed 0$/m);
    } finally {
      await replica.destroy();
      await redis.destroy();
    }
  });
});
