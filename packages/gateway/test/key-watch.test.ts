import type { RemoteKeys } from '@watchword/core';
import { describe, expect, test, vi } from 'vitest';
import { keepKeysComing } from '../src/key-watch.ts';
import { createLogger } from '../src/index.ts';
import { startReloadingEdge } from './support/reloading.ts';
import { startUpstream } from './support/upstream.ts';

describe('S19: a cold restart while the issuer is down', () => {
  test('backs off: an instance asks at most twice in 30 seconds, so ten of them twenty times', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const asked: number[] = [];
      let nowMs = 0;
      const ready = (): Promise<never> => {
        asked.push(nowMs);
        return Promise.reject(new Error('down'));
      };
      const stops = Array.from({ length: 10 }, () =>
        keepKeysComing([{ issuer: 'https://idp.example', ready } as unknown as RemoteKeys], createLogger('silent')),
      );
      for (; nowMs < 120_000; nowMs += 500) await vi.advanceTimersByTimeAsync(500);
      for (const stop of stops) stop();
      for (let fromMs = 0; fromMs < 120_000; fromMs += 500) {
        const inWindow = asked.filter((atMs) => atMs >= fromMs && atMs < fromMs + 30_000);
        expect(inWindow.length).toBeLessThanOrEqual(20);
      }
      expect(asked.length).toBeGreaterThanOrEqual(30);
    } finally {
      vi.useRealTimers();
    }
  });

  test('starts all the same, says so, refuses what needs a token, and serves what needs none', async () => {
    const down = {
      issuer: 'https://idp.example',
      audience: 'a',
      algorithms: ['ES256'],
      jwksUrl: 'http://127.0.0.1:1/jwks',
      allowInsecure: true,
    };
    const edge = await startReloadingEdge((await startUpstream()).url, { issuers: [down] });
    const readiness = await fetch(`${edge.control}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: 'keys_unavailable' }]);
    expect(await edge.get('/api/x')).toBe(503);
    expect(await edge.get('/api/x', {})).toBe(401);
    expect(await edge.get('/open', {})).toBe(200);
    // A reload is what brings it back when the address was wrong.
    edge.write({ issuers: [edge.issuer.entry] });
    await edge.reload();
    expect(await edge.get('/api/x')).toBe(200);
    expect((await fetch(`${edge.control}/readyz`)).status).toBe(200);
  });
});
