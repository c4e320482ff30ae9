import { describe, expect, test } from 'vitest';
import { RESERVED_HEADERS } from '../../src/headers/reserved.ts';
import { startEdge } from '../support/edge.ts';
import { askHttp2, openHttp2 } from '../support/http2.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const CANARY = 'canary-7d1f';

describe('what a client may not say reaches nobody over HTTP/2 either', () => {
  test('E2, E3, E11: every reserved header under every spelling that HTTP/2 has', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    for (const name of [...RESERVED_HEADERS, 'x-watchword-subject', 'x-forwarded-user', 'ssl-client-verify']) {
      for (const spelling of [name, name.replaceAll('-', '_'), name.replaceAll('-', '.')]) {
        upstream.seen.length = 0;
        const { status } = await askHttp2(session, { ':path': '/public/x', [spelling]: CANARY });
        expect([200, 400], spelling).toContain(status);
        expect(JSON.stringify(upstream.seen), spelling).not.toContain(CANARY);
      }
    }
  });

  test('E1: nothing names what the edge adds: connection options do not exist', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    await askHttp2(session, { ':path': '/api/x', te: 'trailers', ...edge.bearer() });
    expect(valuesOf(upstream.seen[0]!, 'txn-token')).toHaveLength(1);
    expect(upstream.seen[0]!.headers.te).toBeUndefined();
    expect(upstream.seen[0]!.headers['x-forwarded-proto']).toBe('http');
  });

  test('E5: forwarding fields of the client are replaced', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const forged = {
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-proto': 'https',
      forwarded: 'for=10.0.0.1',
      'x-real-ip': '10.0.0.1',
    };
    await askHttp2(openHttp2(edge.port), { ':path': '/public/x', ':scheme': 'https', ...forged });
    expect(valuesOf(upstream.seen[0]!, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    // What the connection is, not what the request says of it.
    expect(valuesOf(upstream.seen[0]!, 'x-forwarded-proto')).toEqual(['http']);
    expect(upstream.seen[0]!.headers.forwarded).toBeUndefined();
  });
});

describe('E6, E7, E8: paths and hosts are read as over HTTP/1.1', () => {
  const paths = [
    '/public/../admin/x',
    '/public/%2e%2e/admin/x',
    '/public/%2E%2E/admin/x',
    '/public/..%2fadmin/x',
    '/public//x',
    '//public/x',
    '/public/./x',
    '/public/x;a=b',
    '/public\\x',
    '/public/%5cx',
    '/public/%252e%252e/x',
    '/public/x#y',
    '/PUBLIC/x%00',
    '/public/%',
    '/public/%zz',
    '/public/%c0%ae',
    'public/x',
    'http://api.example/public/x',
  ];
  test(`E6: ${paths.length} paths that are not canonical: none reaches the upstream`, async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    for (const path of paths) {
      const { status } = await askHttp2(openHttp2(edge.port), { ':path': path });
      expect(status, path).not.toBe(200);
    }
    expect(upstream.seen).toHaveLength(0);
  });

  test('E7: the query takes no part in the decision and is forwarded as it is', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    expect((await askHttp2(session, { ':path': '/api/x?/public/x' })).status).toBe(401);
    await askHttp2(session, { ':path': '/public/x?a=%2e%2e/&b' });
    expect(upstream.seen.map(({ target }) => target)).toEqual(['/public/x?a=%2e%2e/&b']);
  });

  test('E8: hosts that are none are refused', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    for (const authority of ['a b', 'a/b', 'a@b', '[::1', 'a:99999', 'a..b', '.', 'a,b', '-']) {
      const { status } = await askHttp2(session, { ':path': '/public/x', ':authority': authority });
      expect(status, authority).not.toBe(200);
    }
    expect(upstream.seen).toHaveLength(0);
  });
});

test('E12: a token in a request that fails is in no log line and no metric', async () => {
  const edge = await startEdge('http://127.0.0.1:1');
  const headers = edge.bearer();
  expect((await askHttp2(openHttp2(edge.port), { ':path': '/api/x', ...headers })).status).toBe(502);
  const token = headers.authorization!.slice(7);
  expect(JSON.stringify(edge.logs) + (await edge.metrics())).not.toContain(token.slice(0, 60));
});

test('E14: bytes outside ASCII arrive as they were sent', async () => {
  const upstream = await startUpstream();
  const edge = await startEdge(upstream.url);
  await askHttp2(openHttp2(edge.port), { ':path': '/public/x', 'x-bytes': 'a\u00e9\u00ffb' });
  expect(upstream.seen[0]!.headers['x-bytes']).toBe('a\u00e9\u00ffb');
});
