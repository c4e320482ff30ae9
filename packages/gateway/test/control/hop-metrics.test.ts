/** Octets by hop, and the warnings about headers that cost too much. */
import { createServer } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { serverOptions } from '@watchword/http2';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { startUpstream } from '../support/upstream.ts';

async function valueOf(edge: TestEdge, metric: string, labels: string): Promise<number> {
  const line = (await edge.metrics()).split('\n').find((each) => each.startsWith(`watchword_${metric}{${labels}}`));
  return Number(line?.split(' ').at(-1));
}

async function startHttp2Upstream(): Promise<string> {
  const server = createServer(serverOptions({ callers: 100 }), (_req, res) => void res.end('x'.repeat(500)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the metric of a hop', () => {
  test('counts what clients send and get, octet by octet', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const call = 'GET /public/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const socket = connect(edge.port, '127.0.0.1');
    socket.write(call);
    const answer = await text(socket);
    await vi.waitUntil(async () => (await valueOf(edge, 'hop_requests_total', 'hop="clients"')) === 1);
    expect(await valueOf(edge, 'hop_bytes_total', 'hop="clients",direction="received"')).toBe(call.length);
    expect(await valueOf(edge, 'hop_bytes_total', 'hop="clients",direction="sent"')).toBe(answer.length);
  });

  test('tells bodies from header fields, over HTTP/1.1', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const headers = edge.bearer();
    for (let count = 0; count < 4; count += 1) {
      const answer = await fetch(`${edge.url}/api/a`, { method: 'POST', headers, body: 'x'.repeat(10_000) });
      await answer.text();
    }
    const hop = 'hop="upstream:main"';
    await vi.waitUntil(async () => (await valueOf(edge, 'hop_requests_total', hop)) === 4);
    expect(await valueOf(edge, 'hop_body_bytes_total', `${hop},direction="sent"`)).toBe(40_000);
    expect(await valueOf(edge, 'hop_body_bytes_total', `${hop},direction="received"`)).toBe(4 * 'ok'.length);
    const fields = (await valueOf(edge, 'hop_bytes_total', `${hop},direction="sent"`)) - 40_000;
    expect(fields / 4).toBeGreaterThan(300);
    expect(fields / 4).toBeLessThan(1500);
  });

  test('shows that a Txn-Token costs next to nothing on a warm HTTP/2 connection', async () => {
    const edge = await startEdge(await startHttp2Upstream(), { upstream: { protocol: 'h2c' } });
    const headers = edge.bearer();
    const hop = 'hop="upstream:main"';
    const get = async (): Promise<void> => void (await (await fetch(`${edge.url}/api/a`, { headers })).text());
    const sent = (): Promise<number> => valueOf(edge, 'hop_bytes_total', `${hop},direction="sent"`);
    for (let count = 0; count < 3; count += 1) await get();
    const before = await sent();
    for (let count = 0; count < 10; count += 1) await get();
    // All fields of the request and its frame.
    expect(((await sent()) - before) / 10).toBeLessThan(100);
    expect(await valueOf(edge, 'hop_body_bytes_total', `${hop},direction="received"`)).toBe(13 * 500);
  });
});

describe('a warning in the log', () => {
  test('once, when the claims that are mapped make Txn-Tokens too long to be indexed', async () => {
    const edge = await startEdge((await startUpstream()).url, {
      txnToken: { trustDomain: 'inside.example', claims: { note: 'note' } },
    });
    for (let count = 0; count < 3; count += 1) {
      const answer = await fetch(`${edge.url}/api/a`, { headers: edge.bearer({ note: `${count}`.repeat(2300) }) });
      expect(answer.status).toBe(200);
    }
    const lines = edge.logs.filter(({ msg }) => String(msg).includes('too long to be indexed'));
    expect(lines).toEqual([expect.objectContaining({ level: 40, place: 'minter', tableBytes: 4096 })]);
    expect(JSON.stringify(edge.logs)).not.toContain('0'.repeat(100));
  });

  test.each(['http1', 'h2c'])('once, when headers come near what the receiver takes: %s', async (protocol) => {
    const url = protocol === 'http1' ? (await startUpstream()).url : await startHttp2Upstream();
    const edge = await startEdge(url, { upstream: { protocol } });
    const get = async (padding: number): Promise<void> =>
      void (await (await fetch(`${edge.url}/api/a`, { headers: { ...edge.bearer(), 'x-padding': 'p'.repeat(padding) } })).text());
    await get(10);
    await get(10);
    expect(edge.logs.filter(({ msg }) => String(msg).includes('come near'))).toEqual([]);
    for (let count = 0; count < 3; count += 1) await get(13_500);
    const lines = edge.logs.filter(({ msg }) => String(msg).includes('come near'));
    expect(lines).toEqual([expect.objectContaining({ level: 40, place: 'upstream:main', budgetBytes: 16_384 })]);
  });
});
