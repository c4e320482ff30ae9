import type { ServerResponse } from 'node:http';
import { generateSigningKey } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { ConfigError, createConfig } from '../../src/index.ts';
import { startEdge } from '../support/edge.ts';
import { startReloadingEdge } from '../support/reloading.ts';
import { startRotatingIssuer, valueOf } from '../support/threads.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const NO_TOKEN = {};

describe('S19: a wrong configuration changes nothing', () => {
  test('E13: it is refused, logged with its place, counted; the routes stay as they were', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    const before = hashIn(await edge.metrics());
    const wrong: [text: string, reason: RegExp][] = [
      ['', /must be a map/],
      ['routes: [', /watchword\.yaml:1:/],
      ['listen: {port: x}', /listen\.port: must be a number/],
      ['routes: [{path: /api/*, upstream: main, public: true}]', /is not one of the upstreams/],
      ['routes: [{path: "/*", upstream: none, public: true}]\nupstreams: {main: {url: "http://127.0.0.1:1"}}', /is not one of/],
    ];
    for (const [text, reason] of wrong) {
      edge.writeText(text);
      await expect(edge.reload()).rejects.toThrow(reason);
      expect(await edge.get('/api/x', NO_TOKEN)).toBe(401);
      expect(await edge.get('/api/x')).toBe(200);
      expect(await edge.get('/open', NO_TOKEN)).toBe(200);
    }
    const metrics = await edge.metrics();
    expect(valueOf(metrics, 'watchword_config_reloads_total{result="refused"}')).toBe(wrong.length);
    expect(valueOf(metrics, 'watchword_config_reloads_total{result="applied"}')).toBe(0);
    expect(hashIn(metrics)).toBe(before);
    const logged = edge.logs.filter(({ msg }) => msg === 'configuration not reloaded: the old one stays in force');
    expect(logged).toHaveLength(wrong.length);
    expect(logged[2]!.reasons).toContainEqual(expect.stringContaining('watchword.yaml:1:16: listen.port: must be a number'));
  });

  test('a file that is gone, and key files that cannot be used', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    edge.write({ issuers: [{ ...edge.issuer.entry, jwksFile: 'gone.json' }] });
    await expect(edge.reload()).rejects.toThrow('issuers[0].jwksFile: cannot be read (ENOENT)');
    edge.write({ txnToken: { trustDomain: 'inside.example', keyFile: 'gone.pem' } });
    await expect(edge.reload()).rejects.toThrow('txnToken.keyFile: cannot be read (ENOENT)');
    expect(await edge.get('/api/x')).toBe(200);
    expect(await edge.get('/api/x', NO_TOKEN)).toBe(401);
  });

  test('what belongs to the listeners needs a restart, and is said to', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    edge.write({ listen: { port: 1 }, threads: 2, limits: { headerBytes: 2048, bodyBytes: 5 } });
    const error = await edge.reload().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).issues.map(({ path }) => path)).toEqual(['listen', 'threads', 'limits.headerBytes']);
    expect((error as ConfigError).message).toContain('cannot be changed by a reload: restart the gateway');
    expect(await edge.get('/api/x')).toBe(200);
  });

  test('a configuration without a file can be replaced by another, not read again', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    await expect(edge.reload()).rejects.toThrow('did not come from a file');
    const next = createConfig({
      listen: { port: 0 },
      control: { port: 0 },
      upstreams: { main: { url: upstream.url } },
      routes: [{ path: '/public/*', upstream: 'main', public: true }],
    });
    await edge.reload(next);
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(200);
    expect((await fetch(`${edge.url}/api/x`, { headers: edge.bearer() })).status).toBe(404);
  });

  test('a gateway that stops takes no configuration any more', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    await edge.close();
    await expect(edge.reload()).rejects.toThrow('the gateway is stopping');
  });
});

describe('a good configuration', () => {
  test('is in force for the next request: routes that are gone are closed, new ones open', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    expect(await edge.get('/new')).toBe(404);
    const before = hashIn(await edge.metrics());
    edge.write({ routes: [{ path: '/new', upstream: 'main', scopes: ['read'] }] });
    await edge.reload();
    expect(await edge.get('/new')).toBe(200);
    expect(await edge.get('/new', NO_TOKEN)).toBe(401);
    expect(await edge.get('/api/x')).toBe(404);
    expect(await edge.get('/open', NO_TOKEN)).toBe(404);
    const metrics = await edge.metrics();
    expect(hashIn(metrics)).not.toBe(before);
    expect(valueOf(metrics, 'watchword_config_reloads_total{result="applied"}')).toBe(1);
    expect(valueOf(metrics, 'watchword_config_applied_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(valueOf(metrics, 'watchword_requests_total{route="none",status="404"}')).toBe(3);
  });

  test('keeps the keys that were fetched, the verdicts and the counters', async () => {
    const key = generateSigningKey('ES256', 'k1');
    const issuer = await startRotatingIssuer(key);
    const edge = await startReloadingEdge((await startUpstream()).url, { issuers: [issuer.entry] });
    const bearer = issuer.bearer(key);
    expect(await edge.get('/api/x', bearer)).toBe(200);
    for (let round = 1; round <= 5; round += 1) {
      edge.write({
        issuers: [issuer.entry],
        routes: [
          { path: '/api/*', upstream: 'main' },
          { path: `/r${round}`, upstream: 'main' },
        ],
      });
      await edge.reload();
      expect(await edge.get('/api/x', bearer)).toBe(200);
    }
    expect(issuer.fetches).toBe(1);
    const metrics = await edge.metrics();
    expect(valueOf(metrics, 'watchword_cache_misses_total')).toBe(1);
    expect(valueOf(metrics, 'watchword_cache_hits_total')).toBe(5);
    expect(valueOf(metrics, 'watchword_requests_total{route="/api/*",status="200"}')).toBe(6);
  });

  test('D2: another policy: no verdict of the old one is good', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    expect(await edge.get('/api/x')).toBe(200);
    edge.write({ issuers: [{ ...edge.issuer.entry, audience: 'https://other.example' }] });
    await edge.reload();
    expect(await edge.get('/api/x')).toBe(401);
    edge.write();
    await edge.reload();
    expect(await edge.get('/api/x')).toBe(200);
  });

  test('an issuer that is gone is not trusted any more', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    expect(await edge.get('/api/x')).toBe(200);
    edge.write({ issuers: [{ ...edge.issuer.entry, issuer: 'https://another.example' }] });
    await edge.reload();
    expect(await edge.get('/api/x')).toBe(401);
  });

  test('the key of the Txn-Tokens stays, unless it is named anew; then services can still verify with the old one', async () => {
    const upstream = await startUpstream();
    const edge = await startReloadingEdge(upstream.url);
    const kids = async (): Promise<string[]> =>
      ((await (await fetch(`${edge.control}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      );
    const [first] = await kids();
    edge.write({ txnToken: { trustDomain: 'inside.example', lifetimeSeconds: 30 } });
    await edge.reload();
    expect(await kids()).toEqual([first]);
    edge.write({ txnToken: { trustDomain: 'inside.example', algorithm: 'EdDSA' } });
    await edge.reload();
    const both = await kids();
    expect(both).toHaveLength(2);
    expect(both[1]).toBe(first);
    await edge.get('/api/x');
    const [token] = valuesOf(upstream.seen.at(-1)!, 'txn-token');
    expect(JSON.parse(Buffer.from(token!.split('.')[0]!, 'base64url').toString()).kid).toBe(both[0]);
  });

  test('requests under way finish under the old one, upstream included', async () => {
    const held: ServerResponse[] = [];
    const old = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('begun ');
      held.push(response);
    });
    const other = await startUpstream();
    const edge = await startReloadingEdge(old.url);
    const response = await fetch(`${edge.url}/api/x`, { headers: { authorization: `Bearer ${edge.issuer.token()}` } });
    edge.write({ upstreams: { main: { url: other.url } } });
    await edge.reload();
    expect(await edge.get('/api/x')).toBe(200);
    expect(other.seen).toHaveLength(1);
    held[0]!.end('and ended');
    expect(await response.text()).toBe('begun and ended');
  });

  test('a request that waits for a place of the old upstream gets it', async () => {
    const held: ServerResponse[] = [];
    const old = await startUpstream((_request, response) => void held.push(response));
    const upstreams = { main: { url: old.url, connections: 1, connectTimeoutMs: 10_000 } };
    const edge = await startReloadingEdge(old.url, { upstreams });
    const both = [edge.get('/api/1'), edge.get('/api/2')];
    await until(() => held.length === 1);
    edge.write({ upstreams: { main: { url: 'http://127.0.0.1:1' } } });
    await edge.reload();
    held[0]!.end('ok');
    await until(() => held.length === 2);
    held[1]!.end('ok');
    expect(await Promise.all(both)).toEqual([200, 200]);
    expect(await edge.get('/api/3')).toBe(502);
  });

  test('many at once: the latest file is in force at the end', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    const reloads = Array.from({ length: 20 }, (_, index) => {
      edge.write({ routes: [{ path: `/r${index}`, upstream: 'main' }] });
      return edge.reload();
    });
    await Promise.all(reloads);
    expect(await edge.get('/r19')).toBe(200);
    expect(valueOf(await edge.metrics(), 'watchword_config_reloads_total{result="applied"}')).toBeLessThanOrEqual(2);
  });
});

describe('POST /reload', () => {
  test('only for programs on this machine, and only POST', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    const ask = (init: RequestInit): Promise<Response> => fetch(`${edge.control}/reload`, init);
    expect((await ask({ method: 'GET' })).status).toBe(405);
    expect((await ask({ method: 'POST', headers: { origin: 'https://intruder.example' } })).status).toBe(403);
    expect((await ask({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect(valueOf(await edge.metrics(), 'watchword_config_reloads_total{result="applied"}')).toBe(0);
  });

  test('says what was wrong, or what is in force', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url);
    edge.writeText('listen: {port: x}\n');
    const refused = await fetch(`${edge.control}/reload`, { method: 'POST' });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      status: 422,
      file: edge.file,
      errors: expect.arrayContaining([{ line: 1, column: 16, path: 'listen.port', reason: 'must be a number' }]),
    });
    edge.write({ routes: [{ path: '/new', upstream: 'main' }] });
    const applied = await fetch(`${edge.control}/reload`, { method: 'POST' });
    expect(applied.status).toBe(200);
    expect(await applied.json()).toEqual({ status: 'applied', config: hashIn(await edge.metrics()) });
  });
});

test('watch: a change of the file is put in force by itself, a wrong one is not', async () => {
  const edge = await startReloadingEdge((await startUpstream()).url, { watch: true });
  edge.writeText('routes: [');
  await until(async () => valueOf(await edge.metrics(), 'watchword_config_reloads_total{result="refused"}') === 1);
  expect(await edge.get('/api/x')).toBe(200);
  edge.write({ routes: [{ path: '/new', upstream: 'main' }] });
  await until(async () => (await edge.get('/new')) === 200);
});

test('E13: during 50 reloads under load nobody without a token gets through, and nobody with one is refused', async () => {
  const edge = await startReloadingEdge((await startUpstream()).url);
  const good: number[] = [];
  const none: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    if (round % 3 === 0) edge.writeText('routes: [');
    else edge.write({ cache: { maxEntries: 100 + round }, limits: { tokenBytes: 4000 + round } });
    const asked = Array.from({ length: 4 }, () => [edge.get('/api/x'), edge.get('/api/x', NO_TOKEN)] as const);
    await Promise.all([edge.reload().catch(() => {}), edge.get('/open', NO_TOKEN)]);
    for (const [withToken, without] of asked) {
      good.push(await withToken);
      none.push(await without);
    }
  }
  expect(new Set(good)).toEqual(new Set([200]));
  expect(new Set(none)).toEqual(new Set([401]));
});

function hashIn(metrics: string): string {
  return /watchword_config_info\{hash="([0-9a-f]{16})"\} 1/.exec(metrics)![1]!;
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 8000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('It did not become true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
