/** A primary dies with its last writes, and a replica takes its place (D10, S15); a server that stands still for 30 s (S15). */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IS_LONG } from '../../core/test/support/campaign.ts';
import { eventually } from '../../core/test/revocation/log-suite.ts';
import { keysOf } from '../src/scripts.ts';
import { Address } from './support/address.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';
import { STALE_AFTER_MS, type Service, revocationOf, startService, tokenOf } from './support/world.ts';

const [, , SET] = keysOf('watchword:revocation');

describe.skipIf(!hasRedis)('with a redis-server that is replicated', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let address: Address;
  let admin: Redis;
  const services: Service[] = [];
  beforeEach(async () => {
    primary = await RedisServer.start();
    replica = await primary.startReplica();
    address = await Address.of(primary);
    admin = new Redis(replica.url, { lazyConnect: true });
  });
  afterEach(async () => {
    for (const service of services.splice(0)) await service.close();
    admin.disconnect();
    await address.close();
    await replica.destroy();
    await primary.destroy();
  });

  const start = async (): Promise<Service> => {
    const service = await startService(address);
    services.push(service);
    return service;
  };
  const revokeMany = async (service: Service, prefix: string): Promise<string[]> => {
    const ids = Array.from({ length: 20 }, (_, index) => `${prefix}-${index}`);
    await Promise.all(ids.map((jti) => service.revocations.revoke(revocationOf(jti))));
    return ids;
  };

  test.each([
    ['inside the bound: no good token is refused', 0.25],
    ['after the bound: good tokens are refused until then', 2],
  ])('D10, S15: failover to a replica without the last writes, %s, no revoked one accepted', async (_name, share) => {
    const [here, there] = [await start(), await start()];
    const ids = await revokeMany(here, 'early');
    await expect.poll(() => admin.zcard(SET), { timeout: 10_000 }).toBe(20);
    // Cut off here: what the primary acknowledges from now on, it takes with it.
    await admin.replicaof('NO', 'ONE');
    ids.push(...(await revokeMany(here, 'late')));
    await eventually(() => there.revocations.stats().entries === 40, 'told of all');
    expect(await admin.zcard(SET)).toBe(20);
    const good = tokenOf('good');
    const tokens = ids.map((jti) => tokenOf(jti));
    expect(await there.outcome(good)).toBe('accepted');
    await primary.kill();
    const deadAtMs = Date.now();
    setTimeout(() => address.pointTo(replica), share * STALE_AFTER_MS);
    const seen = new Set<string>();
    while (Date.now() < deadAtMs + 4 * STALE_AFTER_MS) {
      const before = there.revocations.freshAtMs;
      const outcome = await there.outcome(good);
      seen.add(outcome);
      if (outcome === 'revocation_unavailable') expect(Date.now() - before).toBeGreaterThan(STALE_AFTER_MS);
      const revoked = tokens[seen.size % tokens.length]!;
      for (const token of [revoked, tokens.at(-1)!]) expect(await there.outcome(token)).toBe('token_revoked');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(seen).toEqual(new Set(share < 1 ? ['accepted'] : ['accepted', 'revocation_unavailable']));
    await eventually(() => there.revocations.stats().lagMs < STALE_AFTER_MS, 'fresh again');
    // The followers give the log what it has lost: whoever comes later refuses too.
    await expect.poll(() => admin.zcard(SET), { timeout: 10_000 }).toBe(40);
    const late = await start();
    for (const token of tokens) expect(await late.outcome(token)).toBe('token_revoked');
    expect(await late.outcome(good)).toBe('accepted');
    expect(services.map(({ revocations }) => revocations.stats().owed)).toEqual([0, 0, 0]);
  });
});

describe.skipIf(!hasRedis || !IS_LONG)('S15, in full: SIGSTOP for 30 s with the default bound of 5 s', () => {
  test(
    'good tokens are accepted inside the bound, nothing after it, all is well again afterwards',
    { timeout: 90_000 },
    async () => {
      const server = await RedisServer.start();
      const [here, there] = [await startService(server, 5000), await startService(server, 5000)];
      const [good, bad] = [tokenOf('good'), tokenOf('bad')];
      expect([await there.outcome(good), await there.outcome(bad)]).toEqual(['accepted', 'accepted']);
      server.freeze();
      const frozenAtMs = Date.now();
      await expect(here.revocations.revoke(revocationOf('bad'))).rejects.toMatchObject({ code: 'revocation_unavailable' });
      while (Date.now() < frozenAtMs + 30_000) {
        const outcomes = [await there.outcome(good), await there.outcome(bad)];
        const sinceMs = Date.now() - frozenAtMs;
        if (sinceMs < 4000) expect(outcomes).toEqual(['accepted', 'accepted']);
        if (sinceMs > 5100) expect(outcomes).toEqual(['revocation_unavailable', 'revocation_unavailable']);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      server.thaw();
      await eventually(() => there.revocations.stats().lagMs < 1000, 'fresh again');
      expect(await there.outcome(good)).toBe('accepted');
      await eventually(() => there.verifier.recall(bad) === undefined, 'the revocation has arrived');
      for (const service of [here, there]) await service.close();
      await server.destroy();
    },
  );
});
