import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Shelf } from '../../src/reload/shelf.ts';
import { createConfig } from '../../src/index.ts';
import { createUpstreams } from '../../src/upstream/upstreams.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { startHttp2Upstream } from '../support/http2-upstream.ts';
import { valueOf } from '../support/threads.ts';
import { type TestUpstream, startUpstream } from '../support/upstream.ts';

function startTargets(upstreams: readonly { readonly url: string }[], settings: object = {}): Promise<TestEdge> {
  return startEdge('', { upstreams: { main: { targets: upstreams.map(({ url }) => url), ...settings } } });
}

async function getMany(edge: TestEdge, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) statuses.push((await fetch(`${edge.url}/public/x`)).status);
  return statuses;
}

function ofTarget(metrics: string, name: string, target: number): number {
  return valueOf(metrics, `watchword_upstream_${name}{upstream="main",target="${target}"}`);
}

const forClients = ({ seen }: TestUpstream): number => seen.filter(({ target }) => target !== '/health').length;

describe('active health checks', () => {
  for (const protocol of ['http1', 'h2c'] as const) {
    test(`${protocol}: a target that does not answer well gets no requests until it does`, async () => {
      let well = true;
      let requests = 0;
      const startOne = async (): Promise<{ readonly url: string }> => {
        if (protocol === 'http1') {
          return startUpstream((request, response) => {
            if (request.url !== '/health') requests += 1;
            response.writeHead(request.url === '/health' && !well ? 500 : 200).end();
          });
        }
        return startHttp2Upstream((stream, headers) => {
          if (headers[':path'] !== '/health') requests += 1;
          stream.respond({ ':status': headers[':path'] === '/health' && !well ? 500 : 200 }, { endStream: true });
        });
      };
      const other = protocol === 'http1' ? await startUpstream() : await startHttp2Upstream();
      const health = { path: '/health', intervalMs: 15, healthyThreshold: 2, unhealthyThreshold: 2 };
      const edge = await startTargets([await startOne(), other], { protocol, health });
      // The other one has no such path as far as it matters: it answers everything with 200.
      await getMany(edge, 20);
      expect(requests).toBeGreaterThan(0);
      well = false;
      await vi.waitUntil(async () => ofTarget(await edge.metrics(), 'healthy', 0) === 0);
      requests = 0;
      expect(new Set(await getMany(edge, 20))).toEqual(new Set([200]));
      expect(requests).toBe(0);
      well = true;
      await vi.waitUntil(async () => ofTarget(await edge.metrics(), 'healthy', 0) === 1);
      await getMany(edge, 30);
      expect(requests).toBeGreaterThan(0);
      expect(edge.logs.some(({ msg, target }) => msg === 'a target fails its health checks' && target === 0)).toBe(true);
    });
  }

  test('a target that says nothing in time is not well; one that is busy is', async () => {
    let silent = false;
    const slow = await startUpstream((request, response) => {
      if (request.url === '/health' && !silent) response.end();
    });
    const health = { path: '/health', intervalMs: 15, timeoutMs: 30, unhealthyThreshold: 2 };
    const edge = await startTargets([slow], { connections: 1, health });
    // The only connection of the pool is taken.
    const running = fetch(`${edge.url}/public/x`).catch(() => undefined);
    await vi.waitUntil(() => slow.seen.filter(({ target }) => target === '/health').length > 5);
    expect(ofTarget(await edge.metrics(), 'healthy', 0)).toBe(1);
    expect(ofTarget(await edge.metrics(), 'requests_in_flight', 0)).toBe(1);
    silent = true;
    await vi.waitUntil(async () => ofTarget(await edge.metrics(), 'healthy', 0) === 0);
    await slow.stop();
    await running;
  });
});

describe('passive health checks', () => {
  test('a target that keeps answering 503 is left alone and tried again later', async () => {
    let well = false;
    const ill = await startUpstream((_request, response) => void response.writeHead(well ? 200 : 503).end());
    const good = await startUpstream();
    const edge = await startTargets([ill, good], { ejection: { failures: 3, baseMs: 3000, maxMs: 3000 } });
    const statuses = await getMany(edge, 30);
    // Nobody was sent elsewhere for an answer: a 503 is one.
    expect(statuses.filter((status) => status === 503)).toHaveLength(3);
    expect(forClients(ill)).toBe(3);
    const metrics = await edge.metrics();
    expect(['failures_total', 'ejections_total', 'ejected'].map((name) => ofTarget(metrics, name, 0))).toEqual([3, 1, 1]);
    expect(edge.logs.some(({ msg, target }) => msg === 'a target fails and is left alone' && target === 0)).toBe(true);
    well = true;
    await vi.waitUntil(async () => (await getMany(edge, 5)).length === 5 && forClients(ill) > 3, {
      timeout: 20_000,
      interval: 200,
    });
  }, 30_000);

  test('the address of a target is in no metric and no log', async () => {
    const edge = await startEdge('', { upstreams: { main: { targets: ['http://127.0.0.1:1', 'http://127.0.0.1:2'] } } });
    await getMany(edge, 12);
    const said = JSON.stringify(edge.logs) + (await edge.metrics());
    expect(said).toContain('upstream_unavailable');
    expect(said).not.toContain('127.0.0.1:1');
  });
});

test('the least busy target gets the next request', async () => {
  const held = await startUpstream(() => {});
  const quick = await startUpstream();
  const edge = await startTargets([held, quick]);
  const waiting = Array.from({ length: 12 }, () => fetch(`${edge.url}/public/x`).catch(() => undefined));
  await vi.waitUntil(() => held.seen.length > 0 && held.seen.length + quick.seen.length === 12);
  const before = held.seen.length;
  await getMany(edge, 20);
  expect(held.seen.length).toBe(before);
  await held.stop();
  await Promise.all(waiting);
});

describe('another configuration', () => {
  const configOf = (main: object, other: object): ReturnType<typeof createConfig> =>
    createConfig({ upstreams: { main, other }, routes: [{ path: '/*', upstream: 'main', public: true }] });

  test('keeps the upstreams that it says nothing new about, and closes the others when they are done', async () => {
    const { url } = await startUpstream();
    const shelf = new Shelf();
    const first = shelf.lease();
    const before = createUpstreams(configOf({ url }, { url }), {}, first.take);
    const second = shelf.lease();
    const after = createUpstreams(configOf({ url }, { url, connections: 3 }), {}, second.take);
    expect(after.get('main')).toBe(before.get('main'));
    expect(after.get('other')).not.toBe(before.get('other'));
    const closed = vi.spyOn(before.get('other').balancer.members[0]!.target, 'close');
    const kept = vi.spyOn(before.get('main').balancer.members[0]!.target, 'close');
    await first.release();
    expect([closed.mock.calls.length, kept.mock.calls.length]).toEqual([1, 0]);
    await second.release();
    expect(kept).toHaveBeenCalledOnce();
  });

  test('files that cannot be read or used are told by their setting', () => {
    const { keyFile } = makeCertificate();
    const bad = (tls: object): (() => unknown) => {
      const config = configOf({ url: 'https://a', tls }, { url: 'http://b' });
      return () => createUpstreams(config);
    };
    expect(bad({ caFile: '/nowhere.pem' })).toThrow('upstreams.main.tls.caFile: cannot be read (ENOENT)');
    expect(bad({ certFile: keyFile, keyFile })).toThrow('upstreams.main.tls: holds files that are no matching PEM');
  });
});

test('HTTP/1.1 over TLS: with the certificate that was named, and no other', async () => {
  const pair = makeCertificate();
  const server = createServer({ cert: pair.cert, key: pair.key }, (_request, response) => void response.end('secret'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const edge = await startEdge(url, { upstream: { tls: { caFile: pair.certFile } } });
  expect(await (await fetch(`${edge.url}/public/x`)).text()).toBe('secret');
  const doubting = await startEdge(url);
  expect((await fetch(`${doubting.url}/public/x`)).status).toBe(502);
  const misled = await startEdge(url, { upstream: { tls: { caFile: pair.certFile, serverName: 'other.example' } } });
  expect((await fetch(`${misled.url}/public/x`)).status).toBe(502);
});
