/** Deferred routes of several gateways, on several machines as it were, that share one queue in Redis. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RedisServer, hasRedis } from '../../../redis/test/support/redis-server.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const ROUTES = [{ path: '/later/*', upstream: 'main', verification: 'deferred', maxAgeSeconds: 600, scopes: ['read'] }];

interface Accepted {
  readonly id: string;
  readonly status: string;
}

function sectionOf(server: RedisServer, queue: object = {}): (more?: object) => object {
  const sealKeyFile = join(temporaryDirectory(), 'secret');
  writeFileSync(sealKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  return (more = {}) => ({ queue: { redis: server.url, ...queue }, sealKeyFile, ...more });
}

async function startServer(start: () => Promise<RedisServer>): Promise<RedisServer> {
  const server = await start();
  onTestFinished(() => server.destroy());
  return server;
}

async function send(edge: TestEdge, headers = edge.bearer()): Promise<Response> {
  return fetch(`${edge.url}/later/1`, { method: 'POST', body: 'order', headers });
}

async function stateOf(edge: TestEdge, { status }: Accepted): Promise<string | undefined> {
  const response = await fetch(`${edge.url}${status}`);
  return response.status === 200 ? ((await response.json()) as { state: string }).state : undefined;
}

describe.skipIf(!hasRedis)('with redis-server (skipped where it is not installed: apt-get install redis-server)', () => {
  test('what one gateway accepts another one carries out, and each can tell what became of it', async () => {
    const upstream = await startUpstream();
    const section = sectionOf(await startServer(() => RedisServer.startFast()));
    const door = await startEdge(upstream.url, { routes: ROUTES, deferred: section({ worker: { concurrency: 0 } }) });
    const issuers = [{ ...door.issuer.entry }];
    const response = await send(door);
    expect(response.status).toBe(202);
    const accepted = (await response.json()) as Accepted;
    expect(await stateOf(door, accepted)).toBe('accepted');
    const hand = await startEdge(upstream.url, { routes: ROUTES, issuers, deferred: section() });
    await expect.poll(() => stateOf(hand, accepted), { timeout: 20_000 }).toBe('done');
    expect(await stateOf(door, accepted)).toBe('done');
    expect(upstream.seen.map((seen) => valuesOf(seen, 'x-watchword-delivery'))).toEqual([[accepted.id]]);
  });

  test('S17: kill -9 of Redis: 503 meanwhile, and everything that was answered with 202 is done afterwards', async () => {
    const upstream = await startUpstream();
    const server = await startServer(() => RedisServer.start('always'));
    const edge = await startEdge(upstream.url, { routes: ROUTES, deferred: sectionOf(server)() });
    const answers = [];
    for (let count = 0; count < 30; count += 1) {
      if (count === 10) await server.kill();
      if (count === 20) await server.restart();
      answers.push(await send(edge));
    }
    expect(answers.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill(202));
    expect(answers.slice(10, 20).map(({ status }) => status)).toEqual(Array(10).fill(503));
    await expect.poll(async () => (await send(edge)).status, { timeout: 20_000 }).toBe(202);
    const accepted = await Promise.all(
      answers.filter(({ status }) => status === 202).map(async (answer) => (await answer.json()) as Accepted),
    );
    for (const one of accepted) await expect.poll(() => stateOf(edge, one), { timeout: 25_000 }).toBe('done');
    const delivered = upstream.seen.flatMap((seen) => valuesOf(seen, 'x-watchword-delivery'));
    for (const { id } of accepted) expect(delivered).toContain(id);
  });

  test('E12: the password comes from a file, works with any character, and appears nowhere', async () => {
    const password = 'CANARY7f3a p@ss:w/rd?#%41';
    const passwordFile = join(temporaryDirectory(), 'password');
    writeFileSync(passwordFile, `${password}\n`);
    const server = await startServer(() => RedisServer.startFast('--requirepass', password));
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { routes: ROUTES, deferred: sectionOf(server, { passwordFile })() });
    const response = await send(edge);
    expect(response.status).toBe(202);
    const accepted = (await response.json()) as Accepted;
    await expect.poll(() => stateOf(edge, accepted), { timeout: 20_000 }).toBe('done');
    writeFileSync(passwordFile, 'CANARY7f3a wrong');
    const wrong = await startEdge(upstream.url, { routes: ROUTES, deferred: sectionOf(server, { passwordFile })() });
    expect((await send(wrong)).status).toBe(503);
    const warnings = (): unknown[] => wrong.logs.map(({ msg }) => msg);
    await expect.poll(warnings).toContainEqual('Redis cannot be asked (WRONGPASS)');
    const output = JSON.stringify([...edge.logs, ...wrong.logs]) + (await edge.metrics()) + (await wrong.metrics());
    expect(output).not.toContain('CANARY7f3a');
  });

  test('a server that may lose what it acknowledges is given nothing, and the log says why; unless a warning is enough', async () => {
    const upstream = await startUpstream();
    const server = await startServer(() => RedisServer.start('everysec'));
    const edge = await startEdge(upstream.url, { routes: ROUTES, deferred: sectionOf(server)() });
    expect((await send(edge)).status).toBe(503);
    const warnings = (): unknown[] => edge.logs.map(({ msg }) => msg);
    const warning = expect.stringContaining('appendfsync is everysec, must be always');
    await expect.poll(warnings).toContainEqual(warning);
    const lenient = await startEdge(upstream.url, { routes: ROUTES, deferred: sectionOf(server, { durability: 'warn' })() });
    expect((await send(lenient)).status).toBe(202);
    expect(lenient.logs.map(({ msg }) => msg)).toContainEqual(warning);
  });
});

test('E13: a password file that cannot be read stops start-up', async () => {
  const deferred = { queue: { redis: 'redis://127.0.0.1:1', passwordFile: '/nonexistent' }, sealKeyFile: '/nonexistent' };
  await expect(startEdge('http://127.0.0.1:1', { routes: ROUTES, deferred })).rejects.toThrow(
    'deferred.queue.passwordFile: cannot be read (ENOENT)',
  );
});
