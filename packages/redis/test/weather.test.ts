/** Bad weather on a real server (D10, S15): kill -9, SIGSTOP, lost writes, keys that vanish. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../core/test/revocation/log-suite.ts';
import { APPEND, keysOf } from '../src/scripts.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';
import { STALE_AFTER_MS, type Service, revocationOf, startService, tokenOf } from './support/world.ts';

const KEYS = keysOf('watchword:revocation');

describe.skipIf(!hasRedis)('with redis-server', () => {
  let server: RedisServer;
  let services: Service[];
  let admin: Redis;
  beforeEach(async () => {
    server = await RedisServer.start();
    services = [];
    admin = new Redis(server.url, { lazyConnect: true });
    admin.on('error', () => {});
  });
  afterEach(async () => {
    server.thaw();
    for (const service of services) await service.close();
    admin.disconnect();
    await server.destroy();
  });

  const start = async (): Promise<Service> => {
    const service = await startService(server);
    services.push(service);
    return service;
  };
  const revokeMany = async (service: Service, prefix: string, count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    await Promise.all(ids.map((jti) => service.revocations.revoke(revocationOf(jti))));
    return ids;
  };
  const accepted = async (service: Service, ids: readonly string[]): Promise<string[]> => {
    const outcomes = await Promise.all(ids.map(async (jti) => [jti, await service.outcome(tokenOf(jti))] as const));
    return outcomes.filter(([, outcome]) => outcome === 'accepted').map(([jti]) => jti);
  };

  test('a token revoked elsewhere is refused though it is cached', async () => {
    const [here, there] = [await start(), await start()];
    const token = tokenOf('a');
    expect(await there.outcome(token)).toBe('accepted');
    expect(there.verifier.recall(token)).toBeDefined();
    await here.revocations.revoke(revocationOf('a'));
    await eventually(() => there.verifier.recall(token) === undefined, 'refused there', STALE_AFTER_MS);
    expect(await there.outcome(token)).toBe('token_revoked');
  });

  test('S15: a frozen server (SIGSTOP): no error inside the bound, no acceptance after it, all well soon after it wakes', async () => {
    const [here, there] = [await start(), await start()];
    const [good, bad] = [tokenOf('good'), tokenOf('bad')];
    expect(await there.outcome(good)).toBe('accepted');
    expect(await there.outcome(bad)).toBe('accepted');
    server.freeze();
    const frozenAtMs = Date.now();
    const revoked = here.revocations.revoke(revocationOf('bad')).catch((error: unknown) => error);
    expect(await here.outcome(bad)).toBe('token_revoked');
    const seen: string[] = [];
    while (Date.now() < frozenAtMs + 3 * STALE_AFTER_MS) {
      const isInside = Date.now() - there.revocations.freshAtMs <= STALE_AFTER_MS;
      const outcomes = [await there.outcome(good), await there.outcome(bad)];
      const nowMs = Date.now();
      if (isInside && nowMs - there.revocations.freshAtMs <= STALE_AFTER_MS) expect(outcomes).toEqual(['accepted', 'accepted']);
      if (!isInside) expect(outcomes).toEqual(['revocation_unavailable', 'revocation_unavailable']);
      if (outcomes.includes('accepted')) expect(nowMs - frozenAtMs).toBeLessThanOrEqual(STALE_AFTER_MS + 50);
      seen.push(outcomes[0]!);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(new Set(seen)).toEqual(new Set(['accepted', 'revocation_unavailable']));
    await expect(revoked).resolves.toMatchObject({ code: 'revocation_unavailable' });
    expect(there.revocations.stats().lagMs).toBeGreaterThan(STALE_AFTER_MS);
    server.thaw();
    await eventually(() => there.revocations.stats().lagMs < 300, 'fresh again', 5000);
    expect(await there.outcome(good)).toBe('accepted');
    await eventually(() => there.verifier.recall(bad) === undefined, 'what was revoked meanwhile', 5000);
    expect(await there.outcome(bad)).toBe('token_revoked');
  });

  test.each(['always', 'everysec'] as const)(
    'S15: kill -9 in the middle of appends and a restart (appendfsync %s)',
    async (sync) => {
      await server.destroy();
      server = await RedisServer.start(sync);
      const [here, there] = [await start(), await start()];
      const acknowledged: string[] = [];
      const appends = Array.from({ length: 2000 }, async (_, index) => {
        try {
          await here.revocations.revoke(revocationOf(`${index}`));
          acknowledged.push(`${index}`);
        } catch {}
      });
      await eventually(() => acknowledged.length > 0, 'the first acknowledgement');
      await server.kill();
      await Promise.all(appends);
      expect(await accepted(here, acknowledged.slice(-20))).toEqual([]);
      await server.restart();
      const late = await start();
      const lost = acknowledged.filter((jti) => !late.revocations.revokes(claimsOf(jti), Date.now()));
      if (sync === 'always') expect(lost).toEqual([]);
      for (const service of [late, there]) {
        await eventually(
          () => service.revocations.stats().entries === 2000,
          'acknowledged or not, all are there in the end',
          15_000,
        );
      }
      await eventually(() => here.revocations.stats().owed === 0, 'nothing is owed', 15_000);
    },
  );

  test.each<[string, () => Promise<void> | void]>([
    ['with everything', () => server.loseData()],
    ['with the last writes', () => server.restore()],
  ])('D10, S15: a restart that has lost acknowledged writes, %s, is healed by those who follow', async (_name, lose) => {
    const [here, there] = [await start(), await start()];
    const early = await revokeMany(here, 'early', 20);
    server.backUp();
    const ids = [...early, ...(await revokeMany(here, 'late', 20))];
    await eventually(() => there.revocations.stats().entries === 40, 'all there');
    await server.kill();
    await lose();
    await server.restart();
    // Another writer, who knows of nothing, makes the new history as long as the lost one before anybody may notice.
    const other = await start();
    await revokeMany(other, 'other', 20);
    expect(await accepted(there, ids)).toEqual([]);
    await eventually(() => other.revocations.stats().entries === 60, 'healed for those who came later', 5000);
    expect(await accepted(other, ids)).toEqual([]);
    await eventually(() => there.revocations.stats().entries === 60, 'and for those who were there', 5000);
    expect(await admin.zcard(KEYS[2])).toBe(60);
    for (const service of services) expect(service.revocations.stats().owed).toBe(0);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['everything', () => admin.flushall()],
    ['the set alone (eviction)', () => admin.del(KEYS[2])],
    ['one member of the set', () => admin.zremrangebyrank(KEYS[2], 0, 0)],
    ['the head alone', () => admin.del(KEYS[0])],
    ['the stream alone', () => admin.del(KEYS[1])],
  ])('when %s vanishes under a running server, nothing is lost', async (_name, vanish) => {
    const [here, there] = [await start(), await start()];
    const ids = await revokeMany(here, 'a', 20);
    await eventually(() => there.revocations.stats().entries === 20, 'all there');
    await vanish();
    await new Promise((resolve) => setTimeout(resolve, 60));
    ids.push(...(await revokeMany(here, 'b', 5)));
    await eventually(() => there.revocations.stats().entries === 25, 'the new ones');
    await eventually(() => [here, there].every(({ revocations }) => revocations.stats().owed === 0), 'nothing owed');
    await expect.poll(() => admin.zcard(KEYS[2]), { timeout: 5000 }).toBe(25);
    expect(await accepted(await start(), ids)).toEqual([]);
  });

  test('a gap in the stream is noticed, and a snapshot taken', async () => {
    const service = await start();
    const entries = ['a', 'b', 'c'].map((jti) => [
      `link-${jti}`,
      JSON.stringify(revocationOf(jti)),
      revocationOf(jti).expiresAtMs,
    ]);
    const multi = admin.multi();
    for (const entry of entries) multi.eval(APPEND, 3, ...KEYS, ...(entry as string[]), 1000, 300_000);
    await multi.xdel(KEYS[1], '2-0').exec();
    await eventually(() => service.revocations.stats().snapshots === 2, 'a snapshot');
    expect(service.revocations.stats()).toMatchObject({ entries: 3, owed: 0, position: { sequence: 3 } });
  });

  test('another history is noticed by its next entry, though that has the right number', async () => {
    const service = await start();
    await service.revocations.revoke(revocationOf('a'));
    await eventually(() => service.revocations.stats().position?.sequence === 1, 'the entry');
    const { expiresAtMs } = revocationOf('b');
    await admin
      .multi()
      .hset(KEYS[0], 'link', 'of another entry', 'count', 2)
      .zadd(KEYS[2], expiresAtMs, JSON.stringify(revocationOf('b')))
      .eval(APPEND, 3, ...KEYS, 'link', JSON.stringify(revocationOf('c')), expiresAtMs, 1000, 300_000)
      .exec();
    await eventually(() => service.revocations.stats().snapshots === 2, 'a snapshot');
    expect(service.revocations.stats()).toMatchObject({ entries: 3, owed: 0 });
  });

  test('junk in the log lets nobody believe to be complete', async () => {
    const service = await start();
    await admin.eval(APPEND, 3, ...KEYS, 'link', '{"issuer":"a","all":true}', 4_000_000_000_000, 1000, 300_000);
    await eventually(() => service.revocations.stats().failures > 0, 'a failure');
    await eventually(() => service.revocations.stats().lagMs > STALE_AFTER_MS, 'stale');
    expect(await service.outcome(tokenOf('a'))).toBe('revocation_unavailable');
  });

  test('expired revocations leave the server', async () => {
    const service = await start();
    await admin.eval(
      APPEND,
      3,
      ...KEYS,
      'link',
      JSON.stringify({ ...revocationOf('old'), expiresAtMs: 1000 }),
      1000,
      1000,
      300_000,
    );
    expect(await admin.zcard(KEYS[2])).toBe(1);
    await service.revocations.revoke(revocationOf('new'));
    expect(await admin.zcard(KEYS[2])).toBe(1);
    await eventually(() => service.revocations.stats().position?.sequence === 2, 'both told');
    expect(service.revocations.stats()).toMatchObject({ snapshots: 1, owed: 0 });
  });

  test('a snapshot of many pages is whole', async () => {
    const service = await start();
    await revokeMany(service, 'many', 5000);
    const late = await start();
    expect(late.revocations.stats()).toMatchObject({ entries: 5000, snapshots: 1 });
  });
});

// What `revokes` reads of a verified token.
function claimsOf(jti: string): Parameters<Service['revocations']['revokes']>[0] {
  const { issuer } = revocationOf(jti);
  return { issuer, claims: { iss: issuer, jti }, header: { alg: 'ES256' }, key: {} } as never;
}
