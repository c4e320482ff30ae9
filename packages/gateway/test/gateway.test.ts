import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { generateSigningKey, signJws } from '@watchword/core';
import { createConfig, parseConfig, startGateway } from '../src/index.ts';
import { ROUTES, startEdge } from './support/edge.ts';
import { accessTokenClaims } from './support/identity-provider.ts';
import { rawGet, sendRaw } from './support/raw.ts';
import { startUpstream } from './support/upstream.ts';

const PUBLIC_ONLY = {
  upstreams: { main: { url: 'http://127.0.0.1:1' } },
  routes: [{ path: '/*', upstream: 'main', public: true }],
  log: { level: 'silent' },
};

describe('starting', () => {
  test('E13: a port that is taken stops start-up, with the place of the setting', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void squatter.close());
    const { port } = squatter.address() as AddressInfo;
    const text = `listen:\n  port: ${port}\ncontrol: {port: 0}\nupstreams: {main: {url: http://127.0.0.1:1}}\nroutes: [{path: /*, upstream: main, public: true}]\n`;
    await expect(startGateway(parseConfig(text, 'gate.yaml'))).rejects.toThrow(
      `gate.yaml:2:9: listen.port: 127.0.0.1:${port} is already in use`,
    );
    await expect(startGateway(createConfig({ ...PUBLIC_ONLY, listen: { port: 0 }, control: { port } }))).rejects.toThrow(
      /control\.port: .* already in use/,
    );
  });

  test('E13: key files that cannot be read or used stop start-up', async () => {
    const base = { ...PUBLIC_ONLY, listen: { port: 0 }, control: { port: 0 } };
    const issuer = { issuer: 'https://a', audience: 'b', algorithms: ['ES256'] };
    const start = (more: object): Promise<unknown> => startGateway(createConfig({ ...base, ...more }));
    await expect(start({ issuers: [{ ...issuer, jwksFile: '/nonexistent' }] })).rejects.toThrow(
      'issuers[0].jwksFile: cannot be read (ENOENT)',
    );
    await expect(start({ issuers: [{ ...issuer, pemFile: '/nonexistent' }] })).rejects.toThrow(
      'issuers[0].pemFile: cannot be read (ENOENT)',
    );
    await expect(start({ issuers: [{ ...issuer, jwksFile: import.meta.filename }] })).rejects.toThrow(
      'issuers[0].jwksFile: is not JSON',
    );
    await expect(start({ txnToken: { trustDomain: 't', keyFile: '/nonexistent' } })).rejects.toThrow(
      'txnToken.keyFile: cannot be read (ENOENT)',
    );
    await expect(start({ txnToken: { trustDomain: 't', keyFile: import.meta.filename } })).rejects.toThrow(
      /txnToken\.keyFile: pem: not a usable private key/,
    );
    await expect(start({ txnToken: { trustDomain: 't', claims: { sub: 'x' } } })).rejects.toThrow(/txnToken: claims\.sub/);
  });
});

describe('stopping', () => {
  test('lets running requests finish, accepts no new ones, and says so at /readyz', async () => {
    const finish: (() => void)[] = [];
    const upstream = await startUpstream((_request, response) => void finish.push(() => response.end('done')));
    const edge = await startEdge(upstream.url);
    const running = fetch(`${edge.url}/public/x`);
    const idle = connect(edge.port, '127.0.0.1');
    const idleClosed = once(idle, 'close');
    await vi.waitUntil(() => finish.length === 1);
    const closing = edge.close();
    expect((await fetch(`${edge.control}/readyz`)).status).toBe(503);
    expect(await (await fetch(`${edge.control}/readyz`)).json()).toEqual({ status: 'draining' });
    await idleClosed;
    await expect(fetch(`${edge.url}/public/y`)).rejects.toThrow();
    finish[0]!();
    const response = await running;
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.text()).toBe('done');
    await closing;
    expect(edge.close()).toBe(edge.close());
    await expect(fetch(`${edge.control}/healthz`)).rejects.toThrow();
  });

  test('a connection that was keeping alive when its answer was under way does not hold it up', async () => {
    const upstream = await startUpstream((_request, response) => {
      response.write('first');
      setTimeout(() => response.end('last'), 200);
    });
    const edge = await startEdge(upstream.url, { limits: { shutdownTimeoutMs: 20_000 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    httpRequest(`${edge.url}/public/x`, { headers: { connection: 'keep-alive' } }, (response) => {
      response.on('data', () => resolve());
    }).end();
    await promise;
    const start = performance.now();
    await edge.close();
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('cuts off what takes longer than the limit', async () => {
    const upstream = await startUpstream(() => {});
    const edge = await startEdge(upstream.url, { limits: { shutdownTimeoutMs: 100 } });
    const running = fetch(`${edge.url}/public/x`).catch(() => 'cut off');
    await vi.waitUntil(() => upstream.seen.length === 1);
    await edge.close();
    expect(await running).toBe('cut off');
  });
});

describe('control listener', () => {
  test('health, readiness, keys; nothing else, and only for reading', async () => {
    const edge = await startEdge((await startUpstream()).url);
    expect((await fetch(`${edge.control}/healthz`)).status).toBe(200);
    expect((await fetch(`${edge.control}/readyz`)).status).toBe(200);
    const jwks = await fetch(`${edge.control}/.well-known/jwks.json`);
    expect(jwks.headers.get('cache-control')).toBe('public, max-age=300');
    const { keys } = (await jwks.json()) as { keys: Record<string, string>[] };
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(keys[0]!.d).toBeUndefined();
    expect((await fetch(`${edge.control}/`)).status).toBe(404);
    expect((await fetch(`${edge.control}/healthz`, { method: 'POST' })).status).toBe(405);
    // The two listeners share nothing.
    expect((await fetch(`${edge.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${edge.url}/.well-known/jwks.json`)).status).toBe(404);
  });

  test('metrics name each series once, also where two routes share a path', async () => {
    const upstream = await startUpstream((_request, response) => void response.end());
    const routes = ['GET', 'POST'].map((method) => ({ path: '/x', methods: [method], upstream: 'main', public: true }));
    const edge = await startEdge(upstream.url, { routes });
    for (const method of ['GET', 'POST']) await fetch(`${edge.url}/x`, { method });
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_total{route="/x",status="200"} 2'));
    const series = (await edge.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(names).size).toBe(names.length);
  });

  test('metrics count requests by route and status, refusals by code, and durations', async () => {
    const edge = await startEdge((await startUpstream()).url);
    await fetch(`${edge.url}/public/a`);
    await fetch(`${edge.url}/public/b`);
    await fetch(`${edge.url}/api/x`);
    await fetch(`${edge.url}/nowhere/secret-path`);
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_total{route="none",status="404"} 1'));
    const text = await edge.metrics();
    for (const line of [
      'watchword_requests_total{route="/public/*",status="200"} 2',
      'watchword_requests_total{route="/api/*",status="401"} 1',
      'watchword_refusals_total{code="token_missing"} 1',
      'watchword_refusals_total{code="route_unknown"} 1',
      'watchword_request_duration_seconds_count{route="/public/*"} 2',
      'watchword_request_duration_seconds_bucket{route="/public/*",le="+Inf"} 2',
      '# TYPE watchword_request_duration_seconds histogram',
      'watchword_cache_entries 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).not.toContain('secret-path');
  });
});

describe('E12: no secret in logs and metrics', () => {
  test('E12: canaries in tokens, claims, paths, queries, headers and bodies appear nowhere', async () => {
    const canary = 'CANARY7f3a';
    const upstream = await startUpstream((request, response) => {
      if (request.url!.includes('die')) request.socket.destroy();
      else response.end('ok');
    });
    const edge = await startEdge(upstream.url, {
      routes: [...ROUTES, { path: '/down', upstream: 'down', public: true }],
      upstreams: { main: { url: upstream.url }, down: { url: 'http://127.0.0.1:1' } },
    });
    const good = edge.issuer.token({ sub: canary, client_id: canary, jti: canary, scope: `${canary} read` });
    const tokens = [
      good,
      edge.issuer.token({ sub: canary, exp: 1 }),
      edge.issuer.token({ iss: canary }),
      edge.issuer.token({ aud: canary }),
      signJws(Buffer.from(JSON.stringify(accessTokenClaims())), { typ: 'at+jwt' }, generateSigningKey('ES256', canary)),
      edge.issuer.token({}, { typ: canary }),
      `${good.slice(0, -8)}${canary}`,
      canary,
    ];
    const paths = ['/api/', '/public/', '/admin/', '/nowhere/', '/public/die', '/api/..%2f'].map(
      (path) => `${path}${canary}?access_token=${canary}`,
    );
    for (const token of tokens) {
      for (const path of [...paths, `/down?${canary}`]) {
        const fields = [`Authorization: Bearer ${token}`, `X-Secret: ${canary}`, `Cookie: ${canary}`, `Txn-Token: ${canary}`];
        await sendRaw(edge.port, rawGet(path, fields));
      }
    }
    await sendRaw(edge.port, rawGet(`/public/x`, [], canary + '!'));
    await sendRaw(edge.port, `${canary} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    const output = JSON.stringify(edge.logs) + (await edge.metrics());
    expect(edge.logs.length).toBeGreaterThan(30);
    expect(output).not.toContain(canary);
    for (const token of tokens) for (const part of token.split('.')) if (part.length > 20) expect(output).not.toContain(part);
  });

  test('E12: a refusal is logged with its code and rule', async () => {
    const edge = await startEdge((await startUpstream()).url);
    await fetch(`${edge.url}/api/x`, { headers: edge.bearer({ exp: 1 }) });
    expect(edge.logs.find((line) => line.code === 'token_expired')).toMatchObject({
      msg: 'refused',
      status: 401,
      route: '/api/*',
      method: 'GET',
      rule: expect.stringContaining('RFC 7519 section 4.1.4'),
    });
  });
});
