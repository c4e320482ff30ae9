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

  it('has the share of first uses that was asked for, whatever its length', async () => {
    let fresh = 0;
    const port = await listen((req, res) => {
      if (req.headers.host === FRESH_HOST) fresh += 1;
      res.end('{}');
    });
    const load = { port, tokens: ['one', 'two'], pace: { inFlight: 4 }, durationMs: 0 };
    // Enough to say something, also when there was no time.
    expect(await sendLoad({ ...load, freshShare: 0.25 })).toBeGreaterThanOrEqual(100);
    expect(fresh).toBe(25);
    expect(await sendLoad({ ...load, mostRequests: 40 })).toBe(40);
    expect(fresh).toBe(25);
  });

  it('at a rate sets requests out at random times', async () => {
    const port = await listen((_req, res) => res.end('{}'));
    const sent = await sendLoad({ port, tokens: ['token'], pace: { perSecond: 200 }, durationMs: 1000 });
    // 200 on average, and 14 standard deviations either way.
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(400);
  });
});
