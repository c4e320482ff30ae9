import { generateSigningKey } from '@watchword/core';
import { describe, expect, test, vi } from 'vitest';
import { startReloadingEdge } from '../support/reloading.ts';
import { getMany, startRotatingIssuer, valueOf, watchThreads } from '../support/threads.ts';
import { startUpstream } from '../support/upstream.ts';

const THREADS = { threads: 3 };

describe('S19: reloads of a gateway with threads', () => {
  test('all threads have the new one, the kept keys included; nobody asks the issuer again', async () => {
    const key = generateSigningKey('ES256', 'k1');
    const issuer = await startRotatingIssuer(key);
    const edge = await startReloadingEdge((await startUpstream()).url, { ...THREADS, issuers: [issuer.entry] });
    const bearer = issuer.bearer(key);
    expect(new Set(await getMany(edge.port, 30, bearer))).toEqual(new Set([200]));
    edge.write({ issuers: [issuer.entry], routes: [{ path: '/new/*', upstream: 'main' }] });
    await edge.reload();
    expect(new Set(await getMany(edge.port, 48, bearer))).toEqual(new Set([404]));
    edge.write({ issuers: [issuer.entry] });
    await edge.reload();
    expect(new Set(await getMany(edge.port, 48, bearer))).toEqual(new Set([200]));
    expect(issuer.fetches).toBe(1);
    const metrics = await edge.metrics();
    expect(valueOf(metrics, 'watchword_config_reloads_total{result="applied"}')).toBe(2);
    expect(metrics.match(/watchword_config_info\{/g)).toHaveLength(1);
    expect(metrics).toMatch(/watchword_config_info\{hash="[0-9a-f]{16}"\} 1\n/);
  });

  test('another issuer: the old one is trusted by no thread, the new one by all', async () => {
    const [oldKey, newKey] = [generateSigningKey('ES256', 'k1'), generateSigningKey('ES256', 'k1')];
    const [oldIssuer, newIssuer] = [await startRotatingIssuer(oldKey), await startRotatingIssuer(newKey)];
    const edge = await startReloadingEdge((await startUpstream()).url, { ...THREADS, issuers: [oldIssuer.entry] });
    expect(new Set(await getMany(edge.port, 30, oldIssuer.bearer(oldKey)))).toEqual(new Set([200]));
    edge.write({ issuers: [newIssuer.entry] });
    await edge.reload();
    expect(new Set(await getMany(edge.port, 40, oldIssuer.bearer(oldKey)))).toEqual(new Set([401]));
    expect(new Set(await getMany(edge.port, 40, newIssuer.bearer(newKey)))).toEqual(new Set([200]));
  });

  test('E13: a wrong one reaches no thread', async () => {
    const edge = await startReloadingEdge((await startUpstream()).url, THREADS);
    edge.write({ routes: [{ path: '/*', upstream: 'none', public: true }] });
    await expect(edge.reload()).rejects.toThrow('is not one of the upstreams');
    expect(new Set(await getMany(edge.port, 30))).toEqual(new Set([401]));
  });

  test('a thread that cannot take it over: no thread does', async () => {
    const workers = watchThreads();
    const edge = await startReloadingEdge((await startUpstream()).url, THREADS);
    const [victim] = workers;
    // It dies while it builds.
    const post = victim!.postMessage.bind(victim);
    vi.spyOn(victim!, 'postMessage').mockImplementation((message: { type: string }) => {
      if (message.type === 'prepare') void victim!.terminate();
      else post(message);
    });
    edge.write({ routes: [{ path: '/*', upstream: 'main', public: true }] });
    await expect(edge.reload()).rejects.toThrow('a thread could not take it over (it died)');
    expect(new Set((await getMany(edge.port, 40)).filter((status) => status !== 0))).toEqual(new Set([401]));
    // The one that comes back begins with the configuration that is in force.
    await vi.waitUntil(() => edge.logs.some(({ msg }) => msg === 'a thread is back'), { timeout: 5000 });
    expect(new Set(await getMany(edge.port, 40))).toEqual(new Set([401]));
    await edge.reload();
    expect(new Set(await getMany(edge.port, 40))).toEqual(new Set([200]));
  });

  test('a thread that dies after a reload comes back with the new configuration', async () => {
    const workers = watchThreads();
    const edge = await startReloadingEdge((await startUpstream()).url, THREADS);
    edge.write({ routes: [{ path: '/api/*', upstream: 'main', public: true }] });
    await edge.reload();
    await workers[1]!.terminate();
    await vi.waitUntil(() => edge.logs.some(({ msg }) => msg === 'a thread is back'), { timeout: 5000 });
    expect(new Set(await getMany(edge.port, 48))).toEqual(new Set([200]));
  });
});
