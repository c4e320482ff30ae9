/** Row C1: no configured, discovered or resolved address leads into a private network unless it is listed. */
import { describe, expect, test } from 'vitest';
import { parseAddress, isPublic } from '../../src/keys/addresses.ts';
import { type Resolve, createGuardedFetch } from '../../src/keys/guarded-fetch.ts';
import { type HostRulesOptions, createHostRules } from '../../src/keys/host-rules.ts';
import { type RemoteKeysOptions, createRemoteKeys } from '../../src/keys/remote-keys.ts';
import { type JwksServer, misbehaviours, published, serving, startJwksServer } from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const key = testKey('ES256');
const configure = (url: string, changes: Partial<RemoteKeysOptions> = {}): string =>
  outcome(() => createRemoteKeys({ issuer: ISSUER, url, algorithms: ['ES256'], ...changes }));

async function withServer(run: (server: JwksServer, port: string) => Promise<void>): Promise<void> {
  const server = await startJwksServer(serving(published(key)));
  try {
    await run(server, new URL(server.url).port);
  } finally {
    await server.close();
  }
}

/** Fetches once; gives the reason of a failure, or `keys`. */
async function fetchOnce(changes: Partial<RemoteKeysOptions>): Promise<string> {
  const keys = createRemoteKeys({ issuer: ISSUER, algorithms: ['ES256'], timeoutMs: 2000, ...changes });
  const said = await keys.ready().then(
    () => 'keys',
    () => keys.stats().lastFailure!,
  );
  keys.close();
  return said;
}

const PRIVATE = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:ffff:0a00:0001',
  '::127.0.0.1',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%lo',
  'fec0::1',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  '4000::1',
];
const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '169.253.1.1',
  '2606:4700::1111',
  '2a00:1450::1',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
];

describe('addresses', () => {
  test.each(PRIVATE)('C1: %s is not public', (text) => {
    const address = parseAddress(text);
    expect(address !== undefined && isPublic(address)).toBe(false);
  });

  test.each(PUBLIC)('C1: %s is public', (text) => {
    expect(isPublic(parseAddress(text)!)).toBe(true);
  });
});

describe('what stands in the URL', () => {
  // All of them are how a URL may spell a loopback, metadata or private address.
  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '１２７.0.0.1',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '169.254.169.254',
    '0xa9fea9fe',
    '2852039166',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '0',
    '0.0.0.0',
    '[::]',
    '10.0.0.1',
    '192.168.0.1',
    '172.16.0.1',
  ])('C1: https://%s/ is refused with the configuration, with a fetch of the user as well', (host) => {
    const fetch = (): Promise<Response> => Promise.reject(new Error('asked'));
    expect(configure(`https://${host}/jwks`)).toBe('config_invalid');
    expect(configure(`https://${host}/jwks`, { fetch })).toBe('config_invalid');
    expect(configure(`http://${host}/jwks`)).toBe('config_invalid');
  });

  test('C1: http is for loopback and for listed hosts, and needs to be allowed', () => {
    const insecure = { allowInsecure: true };
    expect(configure('http://issuer.example/jwks', insecure)).toBe('config_invalid');
    expect(configure('http://8.8.8.8/jwks', insecure)).toBe('config_invalid');
    expect(configure('http://10.0.0.1/jwks', insecure)).toBe('config_invalid');
    expect(configure('http://issuer.internal/jwks', { allowHosts: ['issuer.internal'] })).toBe('config_invalid');
    for (const host of ['127.0.0.1', '127.9.9.9', '[::1]', 'localhost', 'a.localhost', 'LOCALHOST.'])
      expect(configure(`http://${host}:8080/jwks`, insecure), host).toBe('accepted');
    expect(configure('http://issuer.internal/jwks', { ...insecure, allowHosts: ['Issuer.Internal'] })).toBe('accepted');
    expect(configure('http://10.1.2.3/jwks', { ...insecure, allowHosts: ['10.0.0.0/8'] })).toBe('accepted');
    expect(configure('http://11.1.2.3/jwks', { ...insecure, allowHosts: ['10.0.0.0/8'] })).toBe('config_invalid');
  });

  test.each<[string, string]>([
    ['10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3'],
    ['[::ffff:10.1.2.3]', '10.1.2.3'],
    ['10.1.2.3', '::ffff:10.1.2.3'],
    ['[fd12::1]', 'fd00::/8'],
    ['[fd12::1]', 'fd12::1'],
    ['[fd12::1]', '[fd12::1]'],
    ['[fd12::1]', 'fd12:0:0:0:0:0:0:1'],
    ['127.0.0.1', '127.0.0.1/32'],
  ])('C1: https://%s/ is accepted where %s is listed, and not beside it', (host, entry) => {
    expect(configure(`https://${host}/jwks`, { allowHosts: [entry] })).toBe('accepted');
    expect(configure('https://192.168.1.1/jwks', { allowHosts: [entry] })).toBe('config_invalid');
  });

  test.each([
    '',
    ' ',
    '*',
    '*.internal',
    'a b',
    'issuer.internal:443',
    'https://issuer.internal',
    'a/b',
    'user@host',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/',
    'fd00::/129',
    '10.0.0.0/8/8',
    '10',
    '0x7f.1',
    '.internal',
    'fe80::1%lo',
    5,
    null,
    {},
  ])('C1: allowHosts refuses %j', (entry) => {
    expect(configure('https://issuer.example/jwks', { allowHosts: [entry as string] })).toBe('config_invalid');
  });

  test('C1: allowHosts is a list, allowInsecure a boolean', () => {
    for (const changes of [{ allowHosts: 'a' }, { allowInsecure: 'true' }, { allowInsecure: 1 }] as object[])
      expect(configure('https://issuer.example/jwks', changes)).toBe('config_invalid');
  });
});

describe('what a name resolves to', () => {
  const guarded = (options: HostRulesOptions, ...answers: readonly (readonly string[])[]) => {
    const asked: string[] = [];
    const resolve: Resolve = (name, _, done) => {
      const addresses = answers[Math.min(asked.push(name), answers.length) - 1]!;
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    return { asked, ...options, fetch: createGuardedFetch(createHostRules(options), resolve) };
  };

  test('C1: localhost, resolved for real, is refused before a connection is made', async () => {
    await withServer(async (server, port) => {
      expect(await fetchOnce({ url: `https://localhost:${port}/jwks` })).toContain('not public');
      expect(await fetchOnce({ url: `http://localhost:${port}/jwks`, allowInsecure: true })).toBe('keys');
      expect(server.requests).toBe(1);
    });
  });

  test.each([['127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['10.0.0.1'], ['fe80::1%lo'], []])(
    'C1: a public name that resolves to %s is refused',
    async (...addresses) => {
      await withServer(async (server, port) => {
        const { asked, fetch } = guarded({}, addresses);
        expect(await fetchOnce({ url: `https://issuer.example:${port}/jwks`, fetch })).toContain('not public');
        expect([server.requests, asked]).toEqual([0, ['issuer.example']]);
      });
    },
  );

  test('C1: a name that changes its address between check and connection (DNS rebinding) is asked once per connection', async () => {
    await withServer(async (server, port) => {
      const options = { allowInsecure: true, allowHosts: ['127.0.0.1'] };
      const { asked, ...rules } = guarded(options, ['127.0.0.1'], ['10.0.0.1']);
      const keys = createRemoteKeys({
        issuer: ISSUER,
        algorithms: ['ES256'],
        url: `http://issuer.example:${port}/jwks`,
        ...rules,
      });
      await keys.ready();
      expect([asked.length, server.requests]).toEqual([1, 1]);
      await expect(keys.refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
      expect([asked.length, server.requests]).toEqual([2, 1]);
      keys.close();
    });
  });

  test('C1: a listed name may resolve to a private address; http to a public one that is not listed may not', async () => {
    await withServer(async (server, port) => {
      const url = `http://issuer.internal:${port}/jwks`;
      const named = guarded({ allowInsecure: true, allowHosts: ['issuer.internal'] }, ['127.0.0.1']);
      expect(await fetchOnce({ url, allowInsecure: true, allowHosts: ['issuer.internal'], fetch: named.fetch })).toBe('keys');
      const block = guarded({ allowInsecure: true, allowHosts: ['10.0.0.0/8'] }, ['8.8.8.8']);
      expect(await fetchOnce({ url, allowInsecure: true, allowHosts: ['10.0.0.0/8'], fetch: block.fetch })).toContain(
        'not public',
      );
      expect(server.requests).toBe(1);
    });
  });
});

describe('what an answer leads to', () => {
  test('C1: a redirect is not followed, wherever it leads', async () => {
    await withServer(async (server) => {
      server.behaviour = misbehaviours([published(key)])['redirects to a good set']!;
      expect(await fetchOnce({ url: server.url, allowInsecure: true })).toContain('answered 302');
      expect(server.requests).toBe(1);
    });
  });

  test('C1: an answer that a fetch of the user was redirected to is refused', async () => {
    const answer = Object.defineProperty(Response.json({ keys: [published(key)] }), 'redirected', { value: true });
    expect(await fetchOnce({ url: 'https://issuer.example/jwks', fetch: () => Promise.resolve(answer) })).toContain('redirected');
  });
});
