import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FRESH_HOST, sendLoad } from '../../src/calibrate/load.ts';

const listen = async (answer: RequestListener): Promise<number> => {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

describe('a load', () => {
  it('ends at the first answer that is not 200', async () => {
    const port = await listen((_req, res) => res.writeHead(503).end());
    const load = { port, tokens: ['token'], pace: { inFlight: 4 }, durationMs: 60_000 };
    await expect(sendLoad(load)).rejects.toThrow('answered 503');
  });

  it('has the share of first uses that was asked for, at random, and at least one', async () => {
    const fresh: boolean[] = [];
    const port = await listen((req, res) => {
      fresh.push(req.headers.host === FRESH_HOST);
      res.end('{}');
    });
    const load = { port, tokens: ['one', 'two'], pace: { inFlight: 1 }, durationMs: 0 };
    // Enough to say something, also when there was no time.
    expect(await sendLoad({ ...load, freshShare: 1e-6 })).toBeGreaterThanOrEqual(100);
    expect(fresh).toContain(true);
    fresh.length = 0;
    expect(await sendLoad({ ...load, mostRequests: 40 })).toBe(40);
    expect(fresh).not.toContain(true);
    fresh.length = 0;
    await sendLoad({ ...load, freshShare: 0.5, durationMs: 60_000, mostRequests: 1000 });
    const after = fresh.filter((isFresh, index) => isFresh && fresh[index + 1] === true).length;
    // Half of them, and half of those that come next: 9 standard deviations either way.
    expect(Math.abs(fresh.filter(Boolean).length - 500)).toBeLessThan(150);
    expect(Math.abs(after - 250)).toBeLessThan(150);
  });

  it('brings tokens in turn, or as unequally as was asked for', async () => {
    const seen = new Map<string, number>();
    const port = await listen(({ headers }, res) => {
      const token = headers.authorization!;
      seen.set(token, (seen.get(token) ?? 0) + 1);
      res.end('{}');
    });
    const tokens = ['one', 'two', 'three', 'four'];
    const load = { port, tokens, pace: { inFlight: 4 }, durationMs: 0, mostRequests: 100 };
    await sendLoad(load);
    expect([...seen.values()]).toEqual([25, 25, 25, 25]);
    seen.clear();
    // The second one is asked for 2 ** -20 as often as the first.
    await sendLoad({ ...load, zipf: 20 });
    expect(seen.get('Bearer one')).toBeGreaterThan(90);
  });

  it('at a rate sets requests out at random times', async () => {
    const port = await listen((_req, res) => res.end('{}'));
    const sent = await sendLoad({ port, tokens: ['token'], pace: { perSecond: 200 }, durationMs: 1000 });
    // 200 on average, and 14 standard deviations either way.
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(400);
  });
});
