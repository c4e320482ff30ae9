import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseConfig, startGateway } from '../src/index.ts';
import { RESERVED_HEADERS } from '../src/headers/reserved.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('README', () => {
  test('the configuration in it works', async () => {
    const text = /```yaml\n([^]*?)```/.exec(readme)![1]!;
    const config = parseConfig(text, 'README.md');
    expect(config.routes).toHaveLength(3);
    const gateway = await startGateway(
      { ...config, listen: { ...config.listen, port: 0 }, control: { host: '127.0.0.1', port: 0 }, log: { level: 'silent' } },
      { fetch: () => Promise.reject(new Error('no network in tests')) },
    );
    expect((await fetch(`http://127.0.0.1:${gateway.port}/orders/1`)).status).toBe(401);
    await gateway.close();
  });

  test('every default in its table is the real one', () => {
    const config = parseConfig(
      'upstreams: {a: {url: http://a}}\nroutes: [{path: /, upstream: a, public: true}]\n',
      'defaults.yaml',
    );
    expect(config.listen).toEqual({
      host: '127.0.0.1',
      port: 8080,
      headerTableBytes: 16_384,
      streamsPerConnection: 128,
      proxyCancelsPerSecond: 1000,
      webSockets: 10_000,
      webSocketIdleMs: 300_000,
    });
    expect(config.control).toEqual({ host: '127.0.0.1', port: 9090 });
    expect(config.cache.maxEntries).toBe(10_000);
    expect(config.verification).toEqual({ adaptive: true, maxWaiting: 1024, maxWaitMs: 250, burstMs: 2000 });
    expect(config.upstreams.a).toMatchObject({
      connections: 128,
      maxWaiting: 1024,
      connectTimeoutMs: 2000,
      responseTimeoutMs: 30_000,
      bodyTimeoutMs: 30_000,
    });
    expect(config.limits).toEqual({
      headerBytes: 16_384,
      bodyBytes: 10_485_760,
      tokenBytes: 8192,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      keepAliveTimeoutMs: 65_000,
      stallTimeoutMs: 30_000,
      connections: 16_384,
      concurrentRequests: 16_384,
      drainDelayMs: 0,
      shutdownTimeoutMs: 10_000,
    });
    for (const name of ['authorization', 'txn-token']) expect(RESERVED_HEADERS).toContain(name);
  });
});
