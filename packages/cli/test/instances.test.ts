import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { generateSigningKey, signJws } from '@watchword/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type TestFiles, createFiles } from './support.ts';
import { type Instance, get, startInstance } from './instances.ts';

/** Rounds of killing: a campaign goes on for longer. */
const ROUNDS = process.env.WATCHWORD_LONG === '1' ? 30 : 2;
/** How long a step may take on a machine that others use too. */
const PATIENCE_MS = 60_000;
const CALLERS = 8;

interface Call {
  readonly kind: 'good' | 'forged' | 'expired' | 'none';
  readonly status: number;
}

async function startTwo(limits: object, threads = 1): Promise<{ instances: Instance[]; files: TestFiles }> {
  const upstream = createServer((request, response) => {
    request.resume();
    // Some answers take a while: they are under way when the signal comes.
    setTimeout(() => response.end('ok'), request.url!.endsWith('slow') ? 150 : 1);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const { port: upstreamPort } = upstream.address() as AddressInfo;
  const files = createFiles();
  const text = readFileSync(files.config, 'utf8').replace('http://127.0.0.1:1', `http://127.0.0.1:${upstreamPort}`);
  const instances: Instance[] = [];
  for (const name of ['a', 'b']) {
    const write = (port: number, control: number): string => {
      const file = join(files.directory, `${name}.yaml`);
      const own = text
        .replace('listen: {port: 0}', `listen: {port: ${port}}`)
        .replace('control: {port: 0}', `control: {port: ${control}}`);
      writeFileSync(file, `${own}limits: ${JSON.stringify(limits)}\nthreads: ${threads}\n`);
      return file;
    };
    instances.push(await startInstance(write));
  }
  return { instances, files };
}

/** Calls until the returned function is called, which resolves with all of them. `ask` picks the instance. */
function startLoad(
  files: TestFiles,
  ask: (headers: Record<string, string>, path: string) => Promise<number>,
): () => Promise<Call[]> {
  const now = Math.floor(Date.now() / 1000);
  const fresh = { iat: now - 5, exp: now + 3600 };
  const stranger = generateSigningKey('ES256', 'k1');
  const claims = JSON.parse(Buffer.from(files.token(fresh).split('.')[1]!, 'base64url').toString()) as object;
  const tokens: Record<Call['kind'], string | undefined> = {
    good: files.token(fresh),
    forged: signJws(Buffer.from(JSON.stringify(claims)), { typ: 'at+jwt' }, stranger),
    expired: files.token({ iat: now - 600, exp: now - 300 }),
    none: undefined,
  };
  const kinds = ['good', 'good', 'forged', 'good', 'expired', 'none'] as const;
  const calls: Call[] = [];
  const state = { running: true };
  onTestFinished(() => void (state.running = false));
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let turn = caller; state.running; turn += 1) {
      const kind = kinds[turn % kinds.length]!;
      const token = tokens[kind];
      const status = await ask(
        token === undefined ? {} : { authorization: `Bearer ${token}` },
        turn % 5 === 0 ? '/orders/slow' : '/orders/x',
      );
      calls.push({ kind, status });
    }
  });
  return async () => {
    state.running = false;
    await Promise.all(callers);
    return calls;
  };
}

/** How often each status was given to each kind of token. */
function summary(calls: readonly Call[]): Record<string, number[]> {
  const statuses: Record<string, Set<number>> = {};
  for (const { kind, status } of calls) (statuses[kind] ??= new Set()).add(status);
  return Object.fromEntries(Object.entries(statuses).map(([kind, set]) => [kind, [...set].sort()]));
}

const RIGHT = { good: [200], forged: [401], expired: [401], none: [401] };

describe('S18: two instances under load', () => {
  for (const threads of [1, 2]) {
    test(
      `SIGTERM, ${threads} thread${threads === 1 ? '' : 's'} each: whoever looks at /readyz sees 0 errors without a retry`,
      { timeout: 2 * PATIENCE_MS },
      async () => {
        const { instances, files } = await startTwo({ drainDelayMs: 600 }, threads);
        const agent = new Agent({ keepAlive: true, maxSockets: 32 });
        const ready = new Set(instances);
        const looking = setInterval(() => {
          for (const instance of instances) {
            void instance.isReady().then((isReady) => (isReady ? ready.add(instance) : ready.delete(instance)));
          }
        }, 50);
        onTestFinished(() => {
          clearInterval(looking);
          agent.destroy();
        });
        let turn = 0;
        const stop = startLoad(files, (headers, path) => {
          const choice = [...ready];
          return get(choice[(turn += 1) % choice.length]!.port, path, headers, agent);
        });
        await new Promise((resolve) => setTimeout(resolve, 300));
        for (const instance of instances) {
          expect(await instance.end('SIGTERM')).toBe(0);
          await instance.start();
          await vi.waitUntil(() => ready.has(instance), { timeout: PATIENCE_MS });
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
        const calls = await stop();
        expect(summary(calls)).toEqual(RIGHT);
        expect(calls.length).toBeGreaterThan(200);
      },
    );
  }

  test(
    `kill -9, ${ROUNDS} times: with one retry 0 errors, 0 wrong accepts`,
    { timeout: PATIENCE_MS + ROUNDS * 20_000 },
    async () => {
      const { instances, files } = await startTwo({});
      const agent = new Agent({ keepAlive: true, maxSockets: 32 });
      onTestFinished(() => agent.destroy());
      let turn = 0;
      const stop = startLoad(files, async (headers, path) => {
        const first = instances[(turn += 1) % 2]!;
        const other = instances.find((instance) => instance !== first)!;
        const status = await get(first.port, path, headers, agent);
        // No answer, or "not now" (a process that has just begun on a busy machine): what a balancer tries elsewhere.
        return status === 0 || status === 503 ? get(other.port, path, headers, agent) : status;
      });
      for (let round = 0; round < ROUNDS; round += 1) {
        const instance = instances[round % 2]!;
        await new Promise((resolve) => setTimeout(resolve, 300));
        await instance.end('SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 200));
        await instance.start();
      }
      const calls = await stop();
      expect(summary(calls)).toEqual(RIGHT);
      expect(calls.length).toBeGreaterThan(200);
    },
  );
});

test(
  'SIGHUP: the process reads its file again; a wrong one is told of and changes nothing',
  { timeout: 2 * PATIENCE_MS },
  async () => {
    const { instances, files } = await startTwo({});
    const [instance] = instances as [Instance];
    const file = join(files.directory, 'a.yaml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace('/orders/*', '/items/*'));
    instance.process.kill('SIGHUP');
    await vi.waitUntil(() => instance.err.includes('has reloaded its configuration'), { timeout: PATIENCE_MS });
    expect(await get(instance.port, '/items/x', {}, undefined)).toBe(401);
    expect(await get(instance.port, '/orders/x', {}, undefined)).toBe(404);
    writeFileSync(file, 'routes: [');
    instance.process.kill('SIGHUP');
    await vi.waitUntil(() => instance.err.includes('keeps its old configuration'), { timeout: PATIENCE_MS });
    expect(instance.err).toContain(`${file}:1:`);
    expect(await get(instance.port, '/items/x', {}, undefined)).toBe(401);
  },
);
