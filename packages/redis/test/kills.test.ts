/** Row S20, for what must outlive its process, and for a Redis whose answers fail. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freshSeed, IS_LONG } from '../../core/test/support/campaign.ts';
import { KilledProcess, pointsOf } from '../../core/test/support/killed-process.ts';
import { Recorder, eventually } from '../../core/test/revocation/log-suite.ts';
import { createRedisRevocationLog } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';
import { STALE_AFTER_MS, type Service, revocationOf, startService, tokenOf } from './support/world.ts';

const REVOKER = join(import.meta.dirname, 'support/revoker.ts');
const IDS = ['a', 'b', 'c', 'd', 'e'];
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
    async () => {
      const whole = await run(0);
      expect([whole.acknowledged, whole.found]).toEqual([IDS, IDS]);
      expect(whole.passed).toBeGreaterThan(30);
      const seed = freshSeed();
      for (const point of pointsOf(whole.passed!, 3, seed)) {
        const { acknowledged, tried, found } = await run(point);
        const name = `seed ${seed}, killed at ${point} of ${whole.passed}`;
        expect(
          acknowledged.filter((id) => !found.includes(id)),
          name,
        ).toEqual([]);
        expect(
          found.filter((id) => !tried.includes(id)),
          name,
        ).toEqual([]);
      }
    },
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

interface Run {
  readonly acknowledged: readonly string[];
  readonly tried: readonly string[];
  readonly found: readonly string[];
  /** undefined: it was killed. */
  readonly passed: number | undefined;
}

async function run(killAt: number): Promise<Run> {
  const redis = new Redis(server.url);
  await redis.flushall();
  redis.disconnect();
  const [revoker] = await KilledProcess.start(REVOKER, server.url);
  await revoker.arm(killAt);
  const { said } = revoker;
  let hasEnded = false;
  void revoker.ended().then(() => (hasEnded = true));
  await eventually(() => hasEnded || said.includes('done'), 'an end', PATIENCE_MS);
  const passed = hasEnded ? undefined : await revoker.passed();
  await revoker.kill();
  return {
    acknowledged: IDS.filter((id) => said.includes(id)),
    tried: IDS.filter((id) => said.includes(`trying ${id}`)),
    found: await idsInServer(),
    passed,
  };
}

/** Also takes one more: the log has to be good for what comes. */
async function idsInServer(): Promise<readonly string[]> {
  const log = createRedisRevocationLog({ server: server.url, heartbeatMs: 20, timeoutMs: 10_000 });
  await log.append(revocationOf('later'));
  const recorder = new Recorder();
  log.follow(recorder);
  await eventually(() => recorder.ids.includes('later'), 'a snapshot', PATIENCE_MS);
  await log.close();
  return recorder.ids.filter((id) => id !== 'later').sort();
}

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
