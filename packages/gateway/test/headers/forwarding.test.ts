import { describe, expect, test } from 'vitest';
import { createConfig } from '../../src/index.ts';
import { type FieldValues, forwardingFields } from '../../src/headers/forwarding.ts';
import { createTrustedPeers } from '../../src/headers/trusted-peers.ts';
import { startEdge } from '../support/edge.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const HOP = { peer: '10.0.0.9', scheme: 'http', host: 'api.example' } as const;
const OWN = ['x-forwarded-for', '10.0.0.9', 'x-forwarded-proto', 'http', 'x-forwarded-host', 'api.example'];

describe('E5: whose word is believed', () => {
  test('nobody’s without the section; then only of those that are listed', () => {
    expect(createTrustedPeers()('127.0.0.1')).toBe(false);
    const isTrusted = createTrustedPeers(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);
    for (const peer of ['10.0.0.1', '10.255.255.255', '192.0.2.1', '::ffff:10.1.2.3', '2001:db8::1']) {
      expect(isTrusted(peer), peer).toBe(true);
    }
    for (const peer of ['11.0.0.1', '192.0.2.2', '::ffff:11.0.0.1', '2001:db9::1', '::1', 'unknown', '']) {
      expect(isTrusted(peer), peer).toBe(false);
    }
  });

  test('E13: what is no block stops start-up, the whole world too', () => {
    for (const block of [
      '',
      '10.0.0',
      '10.0.0.0/33',
      '0.0.0.0/0',
      '::/0',
      '2001:db8::/129',
      '10.0.0.0/8/8',
      'proxy.example',
      'fe80::1%eth0',
    ]) {
      const config = {
        trustedProxies: [block],
        upstreams: { a: { url: 'http://a' } },
        routes: [{ path: '/', upstream: 'a', public: true }],
      };
      expect(() => createConfig(config), block).toThrow('trustedProxies[0]');
    }
  });
});

describe('E5: what is taken over from a trusted proxy', () => {
  test('nothing from anybody else', () => {
    expect(forwardingFields(HOP, undefined)).toEqual(OWN);
  });

  test('the chain goes on; scheme and host are those that the proxy saw', () => {
    const told = fields({
      'x-forwarded-for': ['203.0.113.7, 10.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['shop.example:8443'],
    });
    expect(forwardingFields(HOP, told)).toEqual([
      'x-forwarded-for',
      '203.0.113.7, 10.0.0.1, 10.0.0.9',
      'x-forwarded-proto',
      'https',
      'x-forwarded-host',
      'shop.example:8443',
    ]);
  });

  test('several fields are one chain; addresses may have ports', () => {
    const told = fields({ 'x-forwarded-for': ['203.0.113.7:5000', '[2001:db8::1]:80, unknown'] });
    expect(forwardingFields(HOP, told)[1]).toBe('203.0.113.7:5000, [2001:db8::1]:80, unknown, 10.0.0.9');
  });

  test('Forwarded goes on (RFC 7239), IPv6 in brackets and quotes', () => {
    const told = fields({ forwarded: ['for=203.0.113.7;proto=https, for="[2001:db8::1]"'] });
    expect(forwardingFields({ ...HOP, peer: '2001:db8::9' }, told).slice(6)).toEqual([
      'forwarded',
      'for=203.0.113.7;proto=https, for="[2001:db8::1]", for="[2001:db8::9]";proto=http;host="api.example"',
    ]);
  });

  const JUNK: [name: string, values: Record<string, string[]>][] = [
    ['an address that is none', { 'x-forwarded-for': ['203.0.113.7, <script>'] }],
    ['an empty address', { 'x-forwarded-for': ['203.0.113.7,'] }],
    ['a scheme that is none', { 'x-forwarded-proto': ['gopher'] }],
    ['two schemes', { 'x-forwarded-proto': ['https', 'http'] }],
    ['a list of schemes', { 'x-forwarded-proto': ['https, http'] }],
    ['a host that is none', { 'x-forwarded-host': ['a/b'] }],
    ['two hosts', { 'x-forwarded-host': ['a.example', 'b.example'] }],
    ['a Forwarded that is none', { forwarded: ['203.0.113.7'] }],
    ['a Forwarded with an open quote', { forwarded: ['for="203.0.113.7'] }],
  ];
  for (const [name, values] of JUNK) {
    test(`${name} counts as none`, () => {
      expect(forwardingFields(HOP, fields(values))).toEqual(OWN);
    });
  }

  test('a Forwarded as long as a header can be is read in no time', () => {
    const startMs = performance.now();
    forwardingFields(HOP, fields({ forwarded: [`${'a=b;'.repeat(4000)}"`] }));
    forwardingFields(HOP, fields({ forwarded: [`a=b${' '.repeat(16_000)}"`] }));
    expect(performance.now() - startMs).toBeLessThan(200);
  });
});

describe('E5: over the wire', () => {
  const SENT = {
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
    forwarded: 'for=203.0.113.7',
    x_forwarded_for: '6.6.6.6',
    'x-forwarded-user': 'intruder',
    'x-real-ip': '6.6.6.6',
  };
  const names = [
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-host',
    'forwarded',
    'x_forwarded_for',
    'x-forwarded-user',
    'x-real-ip',
  ];

  async function seenBehind(trustedProxies: Record<string, unknown>): Promise<string[][]> {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, trustedProxies);
    expect((await fetch(`${edge.url}/api/x`, { headers: { ...edge.bearer(), ...SENT } })).status).toBe(200);
    return names.map((name) => valuesOf(upstream.seen[0]!, name));
  }

  test('a client’s own are replaced', async () => {
    const [chain, scheme, host, ...others] = await seenBehind({});
    expect([chain, scheme, host]).toEqual([['127.0.0.1'], ['http'], [expect.stringMatching(/^127\.0\.0\.1:\d+$/)]]);
    expect(others).toEqual([[], [], [], []]);
  });

  test('also when other peers are trusted', async () => {
    expect((await seenBehind({ trustedProxies: ['10.0.0.0/8'] }))[0]).toEqual(['127.0.0.1']);
  });

  test('those of a trusted peer go on, and only these: other spellings and names are removed all the same', async () => {
    const [chain, scheme, host, forwarded, ...others] = await seenBehind({ trustedProxies: ['127.0.0.0/8'] });
    expect([chain, scheme, host]).toEqual([['203.0.113.7, 127.0.0.1'], ['https'], ['shop.example']]);
    expect(forwarded).toEqual([
      expect.stringMatching(/^for=203\.0\.113\.7, for=127\.0\.0\.1;proto=http;host="127\.0\.0\.1:\d+"$/),
    ]);
    expect(others).toEqual([[], [], []]);
  });

  test('no decision depends on them: neither the route of a host nor what is public', async () => {
    const routes = [
      { path: '/x', host: 'internal.example', upstream: 'main', public: true },
      { path: '/api/*', upstream: 'main' },
    ];
    const edge = await startEdge((await startUpstream()).url, { trustedProxies: ['127.0.0.1'], routes });
    const headers = { 'x-forwarded-host': 'internal.example', forwarded: 'host=internal.example', 'x-forwarded-proto': 'https' };
    expect((await fetch(`${edge.url}/x`, { headers })).status).toBe(404);
    expect((await fetch(`${edge.url}/api/x`, { headers: { ...headers, 'user-agent': 'kube-probe/1.30' } })).status).toBe(401);
  });
});

function fields(values: Record<string, readonly string[]>): FieldValues {
  return (name) => values[name] ?? [];
}
