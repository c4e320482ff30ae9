/** Row S20, for what must outlive its process, and for a Redis whose answers fail. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freshSeed, IS_LONG } from '../../core/test/support/campaign.ts';
import { pointsOf } from '../../core/test/support/killed-process.ts';
import { expectNothingLost } from '../../core/test/revocation/killed-revoker.ts';
import { createRedisRevocationLog } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';
import { STALE_AFTER_MS, type Service, revocationOf, startService, tokenOf } from './support/world.ts';

// A command that is never answered is given up after this.
const PATIENCE_MS = 60_000;

let server: RedisServer;

describe.skipIf(!hasRedis)('S20, with redis-server', () => {
  beforeAll(async () => {
    server = await RedisServer.startFast();
  });
  afterAll(() => server.destroy());

  test(
    'S20: whoever is killed at an await takes nothing with him that was acknowledged, and leaves nothing strange',
    { timeout: 1_800_000 },
    () =>
      expectNothingLost({
        script: join(import.meta.dirname, 'support/revoker.ts'),
        async newPlace() {
          const redis = new Redis(server.url);
          await redis.flushall();
          redis.disconnect();
          return server.url;
        },
        open: (url) => createRedisRevocationLog({ server: url, heartbeatMs: 20, timeoutMs: 10_000 }),
        leastPoints: 30,
        usualPoints: 3,
      }),
  );

  test.each(['throws', 'rejects', 'hangs', 'breaks the connection', 'is done, but nobody hears of it'] as const)(
    'S20: whichever command %s: what was acknowledged is refused everywhere in the stated time, then all is well',
    { timeout: 1_800_000 },
    async (kind) => {
      const seed = freshSeed();
      const usual = await commandsOf(0, kind, `s-${kind}-0`);
      expect(usual).toBeGreaterThan(6);
      for (const at of pointsOf(usual, IS_LONG ? usual : 2, seed)) await commandsOf(at, kind, `s-${kind}-${at}`);
    },
  );
});

type Kind = 'throws' | 'rejects' | 'hangs' | 'breaks the connection' | 'is done, but nobody hears of it';
type Command = Parameters<Redis['sendCommand']>[0];

/** Two services; one revokes, and one command of either fails. @returns how many commands there were */
async function commandsOf(failing: number, kind: Kind, id: string): Promise<number> {
  const services = await Promise.all([startService(server), startService(server)]);
  const [revoking, other] = services as [Service, Service];
  const [bad, good] = [tokenOf(id), tokenOf(`${id}-good`)];
  for (const service of services) await settle(service, [bad, good]);
  let commands = 0;
  const original = Redis.prototype.sendCommand;
  const spy = vi.spyOn(Redis.prototype, 'sendCommand').mockImplementation(function failAt(
    this: Redis,
    command: Command,
    ...rest
  ) {
    commands += 1;
    if (commands !== failing) return original.call(this, command, ...rest);
    return fail(kind, this, () => original.call(this, command, ...rest));
  });
  onTestFinished(() => void spy.mockRestore());
  const revoked = await revoking.revocations.revoke(revocationOf(id)).then(
    () => true,
    () => false,
  );
  const sinceMs = performance.now();
  // Who revoked refuses at once, whatever became of it.
  expect(await revoking.outcome(bad)).not.toBe('accepted');
  while (commands <= Math.max(failing, 8)) await new Promise((next) => setTimeout(next, 5));
  for (;;) {
    const askedMs = performance.now();
    const answer = await other.outcome(bad);
    if (revoked && answer === 'accepted')
      expect(askedMs - sinceMs, `${kind} at ${failing}`).toBeLessThanOrEqual(STALE_AFTER_MS + 5);
    if (answer === 'token_revoked') break;
    expect(askedMs - sinceMs).toBeLessThan(PATIENCE_MS);
    await new Promise((next) => setTimeout(next, 5));
  }
  // A service that knows too little refuses good tokens as well, and only for a while.
  for (const service of services) await settle(service, [good]);
  spy.mockRestore();
  for (const service of services) await service.close();
  return commands;
}

/** Waits until a service, which on a busy machine may hear too little of the server for a moment, takes these tokens. */
async function settle({ outcome }: Service, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) await vi.waitFor(async () => expect(await outcome(token)).toBe('accepted'), PATIENCE_MS);
}

function fail(kind: Kind, redis: Redis, send: () => unknown): unknown {
  if (kind === 'throws') throw new Error('Broken on purpose');
  if (kind === 'rejects') return Promise.reject(new Error('Broken on purpose'));
  if (kind === 'breaks the connection') {
    redis.disconnect();
    return send();
  }
  if (kind === 'is done, but nobody hears of it') void Promise.resolve(send()).catch(() => {});
  return new Promise(() => {});
}
