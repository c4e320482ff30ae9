import { describe, expect, test } from 'vitest';
import { canonicalHost } from '../../src/routing/canonical-host.ts';
import { startEdge } from '../support/edge.ts';
import { rawGet, sendRaw } from '../support/raw.ts';
import { startUpstream } from '../support/upstream.ts';

// prettier-ignore
const MALFORMED = [
  '', ' ', '.', '..', 'a.', '.a', 'a..b', '-a', 'a-', 'a.-b', 'a b', 'a\tb', 'a/b', 'a/', '/a', 'a\\b', 'a?b', 'a#b', 'a@b', 'user:pw@a', 'a,b', 'a;b', 'a%2eb', '%61',
  'a:', 'a:x', 'a:-1', 'a:99999', 'a:123456', 'a:80:80', ':80', ':', '[::1', '::1]', '[]', '[::1]x', '[::1]:', '[::1]:x', '[::g]', '[fe80::1%25eth0]', '[127.0.0.1]', '::1', 'a\u00e9',
  '\u212aelvin.example', 'a_*', '*', '*.example', "a'b", 'a"b', 'http://a', 'a`b', 'a{b}', `${'a'.repeat(64)}.example`, 'a.'.repeat(127) + 'aa', `a${'.a'.repeat(200)}`,
];

// prettier-ignore
const CANONICAL: [string, string][] = [
  ['a', 'a'], ['A.Example', 'a.example'], ['api.example:8080', 'api.example'], ['127.0.0.1:80', '127.0.0.1'], ['[::1]', '[::1]'], ['[::1]:443', '[::1]'],
  ['[2001:DB8::1]', '[2001:db8::1]'], ['xn--bcher-kva.example', 'xn--bcher-kva.example'], ['my_service', 'my_service'], ['a:0', 'a'],
];

describe('E8: one canonical host', () => {
  test(`E8: ${MALFORMED.length} malformed hosts are refused`, () => {
    expect(MALFORMED.length).toBeGreaterThanOrEqual(50);
    for (const host of MALFORMED)
      expect(() => canonicalHost(host), JSON.stringify(host)).toThrow(expect.objectContaining({ code: 'request_malformed' }));
  });

  test('E8: case and port are gone', () => {
    for (const [field, host] of CANONICAL) expect(canonicalHost(field)).toBe(host);
  });

  test('E8: malformed and repeated Host fields get a 400 on the wire', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    for (const host of MALFORMED)
      expect((await sendRaw(edge.port, Buffer.from(rawGet('/public/x', [], host), 'utf8'))).status, host).toBe(400);
    expect((await sendRaw(edge.port, rawGet('/public/x', ['Host: b.example']))).status).toBe(400);
    expect((await sendRaw(edge.port, rawGet('/public/x', ['Host: api.example']))).status).toBe(400);
    expect(upstream.seen).toHaveLength(0);
  });

  test('E8: a route of a host is found in any case, with any port, and only there', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, {
      routes: [
        { path: '/*', host: 'admin.example', upstream: 'main', scopes: ['admin'] },
        { path: '/x', upstream: 'main', public: true },
      ],
    });
    for (const host of ['admin.example', 'ADMIN.EXAMPLE', 'Admin.Example:8080']) {
      expect((await sendRaw(edge.port, rawGet('/x', [], host))).status).toBe(401);
    }
    expect((await sendRaw(edge.port, rawGet('/x', [], 'other.example'))).status).toBe(200);
    expect((await sendRaw(edge.port, rawGet('/y', [], 'other.example'))).status).toBe(404);
    // The host of a request never chooses where it goes.
    expect(upstream.seen[0]!.headers.host).toBe(new URL(upstream.url).host);
  });
});
