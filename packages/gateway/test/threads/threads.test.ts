import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createVerificationKey, generateSigningKey, verifyJws } from '@watchword/core';
import { createConfig, parseConfig, startGateway } from '../../src/index.ts';
import { startEdge } from '../support/edge.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { getMany, getOnce, startRotatingIssuer, threadsThatSaid, valueOf, watchThreads } from '../support/threads.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

// The clock of the main thread, which alone fetches keys; that of the threads stands. Before core is loaded and takes it.
const mainClock = vi.hoisted(() => {
  const realNow = Date.now;
  const clock = { aheadMs: 0 };
  Date.now = () => realNow() + clock.aheadMs;
  return clock;
});

const PUBLIC_ONLY = {
  listen: { port: 0 },
  control: { port: 0 },
  upstreams: { main: { url: 'http://127.0.0.1:1' } },
  routes: [{ path: '/*', upstream: 'main', public: true }],
  log: { level: 'silent' },
};
const FILE = 'upstreams: {main: {url: http://127.0.0.1:1}}\nroutes: [{path: /*, upstream: main, public: true}]\n';
const FOUR = { threads: 4 };

describe('starting', () => {
  const wrong: [name: string, more: string, message: string][] = [
    ['no thread', 'threads: 0\n', 'gate.yaml:3:10: threads: must be at least 1'],
    ['too many threads', 'threads: 65\n', 'gate.yaml:3:10: threads: must be at most 64'],
    ['threads as a word', 'threads: auto\n', 'gate.yaml:3:10: threads: must be a number'],
    ['a table for one thread', 'sharedTable: {entries: 64}\n', 'gate.yaml:3:14: sharedTable: goes with threads above 1 only'],
    ['a tiny table', 'threads: 2\nsharedTable: {entries: 3}\n', 'gate.yaml:4:24: sharedTable.entries: must be at least 16'],
    [
      'revocations that one thread sees',
      'threads: 2\nrevocation: {log: {memory: true}}\n',
      'gate.yaml:4:28: revocation.log.memory: is seen by one thread only',
    ],
  ];
  for (const [name, more, message] of wrong) {
    test(`E13: ${name}`, () => expect(() => parseConfig(FILE + more, 'gate.yaml')).toThrow(message));
  }

  test('E13: a port that is taken stops start-up, also if another gateway with threads has it', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void squatter.close());
    const { port } = squatter.address() as AddressInfo;
    const text = `listen:\n  port: ${port}\ncontrol: {port: 0}\nthreads: 2\n${FILE}log: {level: silent}\n`;
    await expect(startGateway(parseConfig(text, 'gate.yaml'))).rejects.toThrow(
      `gate.yaml:2:9: listen.port: 127.0.0.1:${port} is already in use`,
    );
    const workers = watchThreads();
    await expect(startGateway(createConfig({ ...PUBLIC_ONLY, threads: 2, control: { port } }))).rejects.toThrow(
      /control\.port: .* already in use/,
    );
    expect(workers.length).toBeGreaterThan(0);
    for (const worker of workers) expect(worker.threadId).toBe(-1);
    const first = await startGateway(createConfig({ ...PUBLIC_ONLY, threads: 2 }));
    onTestFinished(() => first.close());
    await expect(startGateway(createConfig({ ...PUBLIC_ONLY, threads: 2, listen: { port: first.port } }))).rejects.toThrow(
      /listen\.port: .* already in use/,
    );
  });

  test('E13: a clock of the program is refused: other threads would have another one', async () => {
    const text = `listen: {port: 0}\ncontrol: {port: 0}\nthreads: 2\n${FILE}`;
    await expect(startGateway(parseConfig(text, 'gate.yaml'), { clock: () => 0 })).rejects.toThrow(
      'gate.yaml:3:10: threads: must be 1 with a clock of your own',
    );
  });

  test('E13: threads that die before they listen stop start-up, and leave nothing', async () => {
    const workers = watchThreads((worker) => setImmediate(() => void worker.terminate()));
    const text = `listen: {port: 0}\ncontrol: {port: 0}\nthreads: 2\n${FILE}log: {level: silent}\n`;
    await expect(startGateway(parseConfig(text, 'gate.yaml'))).rejects.toThrow(
      'gate.yaml:3:10: threads: a thread died again and again before it could listen',
    );
    expect(workers).toHaveLength(3);
    for (const worker of workers) expect(worker.threadId).toBe(-1);
  });
});

describe('one verification for all threads', () => {
  const TOKENS = 40;

  // Each token on many connections; first all of them once, since two threads may meet one token at the same time.
  async function checksPerToken(overrides: object): Promise<number> {
    const edge = await startEdge((await startUpstream()).url, { ...FOUR, ...overrides });
    const callers = Array.from({ length: TOKENS }, (_, index) => edge.bearer({ sub: `user-${index}`, jti: `token-${index}` }));
    for (let round = 0; round < 8; round += 1) {
      expect(await Promise.all(callers.map((headers) => getOnce(edge.port, headers)))).toEqual(callers.map(() => 200));
    }
    const metrics = await edge.metrics();
    expect(valueOf(metrics, 'watchword_requests_total{route="/api/*",status="200"}')).toBe(8 * TOKENS);
    expect(valueOf(metrics, 'watchword_request_duration_seconds_count{route="/api/*"}')).toBe(8 * TOKENS);
    expect(valueOf(metrics, 'watchword_cache_hits_total') + valueOf(metrics, 'watchword_cache_misses_total')).toBe(8 * TOKENS);
    return valueOf(metrics, 'watchword_signature_checks_total') / TOKENS;
  }

  test('S9: a token that one thread has verified costs the others no signature check', async () => {
    expect(await checksPerToken({})).toBeLessThanOrEqual(1.02);
  });

  test('without the table each thread checks for itself', async () => {
    expect(await checksPerToken({ sharedTable: { entries: 0 } })).toBeGreaterThan(2.5);
  });

  test('forged tokens are refused by all threads, also when the table knows the real one', async () => {
    const edge = await startEdge((await startUpstream()).url, FOUR);
    const { authorization } = edge.bearer();
    expect(new Set(await getMany(edge.port, 40, { authorization: authorization! }))).toEqual(new Set([200]));
    const swapped = authorization!.at(-10) === 'A' ? 'B' : 'A';
    const forged = `${authorization!.slice(0, -10)}${swapped}${authorization!.slice(-9)}`;
    expect(new Set(await getMany(edge.port, 60, { authorization: forged }))).toEqual(new Set([401]));
    expect(threadsThatSaid(edge.logs, 'signature_invalid').size).toBe(4);
  });

  test('all threads sign with the one published key', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, FOUR);
    await getMany(edge.port, 48, edge.bearer());
    const { keys } = (await (await fetch(`${edge.control}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
    expect(keys).toHaveLength(1);
    const key = createVerificationKey({ alg: 'ES256', jwk: keys[0]!, kid: keys[0]!.kid });
    const minted = new Set(upstream.seen.flatMap((seen) => valuesOf(seen, 'txn-token')));
    expect(minted.size).toBe(4);
    for (const token of minted) expect(verifyJws(token, key).header.typ).toBe('txntoken+jwt');
  });
});

describe('keys', () => {
  function later(seconds: number): void {
    mainClock.aheadMs += seconds * 1000;
    onTestFinished(() => void (mainClock.aheadMs = 0));
  }

  test('C2, D7: one fetcher for all threads; a rotation is picked up and a withdrawn key refused by all of them', async () => {
    const [old, next, unknown] = ['k1', 'k2', 'k3'].map((kid) => generateSigningKey('ES256', kid));
    const issuer = await startRotatingIssuer(old!);
    const edge = await startEdge((await startUpstream()).url, { ...FOUR, issuers: [issuer.entry] });
    const expectAll = async (headers: Record<string, string>, status: number): Promise<void> => {
      expect(new Set(await getMany(edge.port, 48, headers))).toEqual(new Set([status]));
    };
    // Made before the clock is moved: that of the threads stands.
    const [oldCaller, newCaller, stranger] = [old, next, unknown].map((key) => issuer.bearer(key!));
    await vi.waitUntil(async () => (await fetch(`${edge.control}/readyz`)).status === 200);
    await expectAll(oldCaller!, 200);
    expect(issuer.fetches).toBe(1);

    issuer.publish(old!, next!);
    // A flood of unknown key ids at all threads, inside the cool-down.
    await expectAll(stranger!, 401);
    expect(issuer.fetches).toBe(1);
    later(16);
    // Threads that had to refuse unknown key ids ask again after a second (S14).
    const areKnown = async (): Promise<boolean> => (await getMany(edge.port, 48, newCaller!)).every((status) => status === 200);
    await vi.waitUntil(areKnown, { timeout: 20_000, interval: 100 });
    await expectAll(stranger!, 401);
    expect(issuer.fetches).toBe(2);

    issuer.publish(next!);
    await expectAll(oldCaller!, 200);
    later(16);
    // One caller makes one thread ask; the withdrawal reaches the caches of the others.
    const isFetched = async (): Promise<boolean> => {
      await getOnce(edge.port, stranger!);
      return issuer.fetches === 3;
    };
    await vi.waitUntil(isFetched, { timeout: 20_000, interval: 100 });
    await expectAll(oldCaller!, 401);
    expect(threadsThatSaid(edge.logs, 'key_unknown').size).toBe(4);
    await expectAll(newCaller!, 200);
    expect(issuer.fetches).toBe(3);
  });

  test('C3: keys that are too old are trusted by no thread, and that is 503', async () => {
    const key = generateSigningKey('ES256', 'k1');
    const issuer = await startRotatingIssuer(key);
    const edge = await startEdge((await startUpstream()).url, { ...FOUR, issuers: [issuer.entry] });
    const caller = issuer.bearer(key, { exp: Math.floor(Date.now() / 1000) + 36_000 });
    await vi.waitUntil(async () => (await getOnce(edge.port, caller)) === 200);
    await getMany(edge.port, 32, caller);
    issuer.publish();
    later(3601);
    await vi.waitUntil(async () => (await getMany(edge.port, 32, caller)).every((status) => status === 503), {
      timeout: 5000,
      interval: 200,
    });
    expect(threadsThatSaid(edge.logs, 'keys_unavailable').size).toBe(4);
  });
});

describe('revocation', () => {
  test('D7: what is revoked at the control listener is refused by all threads', async () => {
    const log = join(temporaryDirectory(), 'revocations.sqlite');
    const edge = await startEdge((await startUpstream()).url, { ...FOUR, revocation: { log: { sqlite: log } } });
    expect(existsSync(log)).toBe(true);
    const caller = edge.bearer({ jti: 'token-9' });
    const other = edge.bearer({ jti: 'token-10' });
    expect(new Set(await getMany(edge.port, 32, caller))).toEqual(new Set([200]));
    const revoked = await fetch(`${edge.control}/revocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ issuer: 'https://idp.example', jti: 'token-9', expiresInSeconds: 3600 }),
    });
    expect(revoked.status).toBe(201);
    await vi.waitUntil(async () => (await getMany(edge.port, 32, caller)).every((status) => status === 401), { timeout: 5000 });
    expect(new Set(await getMany(edge.port, 32, caller))).toEqual(new Set([401]));
    expect(threadsThatSaid(edge.logs, 'token_revoked').size).toBe(4);
    expect(new Set(await getMany(edge.port, 32, other))).toEqual(new Set([200]));
    expect(valueOf(await edge.metrics(), 'watchword_revocation_entries')).toBe(1);
  });
});

describe('a thread that dies', () => {
  test('is started again; the others go on, and no counter goes back', async () => {
    const workers = watchThreads();
    const edge = await startEdge((await startUpstream()).url, FOUR);
    const caller = edge.bearer();
    // One first: many at once would reach several threads before any of them has told the others.
    await getMany(edge.port, 1, caller);
    await getMany(edge.port, 63, caller);
    const before = valueOf(await edge.metrics(), 'watchword_requests_total{route="/api/*",status="200"}');
    expect(before).toBe(64);
    await workers[1]!.terminate();
    expect((await fetch(`${edge.control}/readyz`)).status).toBe(503);
    // Its connections are gone; new ones go to the others.
    expect(new Set(await getMany(edge.port, 64, caller))).toEqual(new Set([200]));
    await vi.waitUntil(async () => (await fetch(`${edge.control}/readyz`)).status === 200, { timeout: 10_000, interval: 50 });
    expect(workers).toHaveLength(5);
    expect(edge.logs.filter(({ msg }) => msg === 'a thread died')).toMatchObject([{ level: 50, thread: 2 }]);
    expect(edge.logs.filter(({ msg }) => msg === 'a thread is back')).toMatchObject([{ thread: 2 }]);
    expect(new Set(await getMany(edge.port, 64, caller))).toEqual(new Set([200]));
    expect(valueOf(await edge.metrics(), 'watchword_requests_total{route="/api/*",status="200"}')).toBe(192);
    // The table survived it: the new thread checks nothing anew.
    expect(valueOf(await edge.metrics(), 'watchword_signature_checks_total')).toBe(1);
  });
});

describe('stopping', () => {
  test('lets running requests finish on all threads, then leaves nothing', async () => {
    const workers = watchThreads();
    const finish: (() => void)[] = [];
    const upstream = await startUpstream((_request, response) => void finish.push(() => response.end('done')));
    const edge = await startEdge(upstream.url, FOUR);
    const running = Promise.all(Array.from({ length: 16 }, () => getOnce(edge.port, {}, '/public/x')));
    await vi.waitUntil(() => finish.length === 16);
    const closing = edge.close();
    expect(await (await fetch(`${edge.control}/readyz`)).json()).toEqual({ status: 'draining' });
    await vi.waitUntil(async () => (await getOnce(edge.port, {}, '/public/y')) === 0);
    for (const answer of finish) answer();
    expect(await running).toEqual(Array.from({ length: 16 }, () => 200));
    await closing;
    expect(edge.close()).toBe(edge.close());
    expect(workers).toHaveLength(4);
    for (const worker of workers) expect(worker.threadId).toBe(-1);
    await expect(fetch(`${edge.control}/healthz`)).rejects.toThrow();
    expect(process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name))).toEqual([]);
  });

  test('cuts off what takes longer than the limit', async () => {
    const upstream = await startUpstream(() => {});
    const edge = await startEdge(upstream.url, { ...FOUR, limits: { shutdownTimeoutMs: 100 } });
    const running = Promise.all(Array.from({ length: 8 }, () => getOnce(edge.port, {}, '/public/x')));
    await vi.waitUntil(() => upstream.seen.length === 8);
    const startMs = performance.now();
    await edge.close();
    expect(performance.now() - startMs).toBeLessThan(3000);
    expect(await running).toEqual(Array.from({ length: 8 }, () => 0));
  });
});
