/** Where a Txn-Token goes, and above all where it does not (invariant 10, TT-31). */
import { describe, expect, test } from 'vitest';
import { toRecord } from '../../src/carrier/carrier.ts';
import { runAnonymous, runWithIdentity } from '../../src/context/context.ts';
import { Identity } from '../../src/context/identity.ts';
import { type Propagator, createPropagator } from '../../src/outgoing/propagator.ts';
import { verifiedToken } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const propagator = createPropagator({
  destinations: [
    'http://orders:8080',
    'https://billing.internal',
    'https://*.svc.internal',
    'http://*.mesh.test:8080',
    'http://[::1]:9000',
    'https://bücher.example',
  ],
});
const identity = new Identity(await verifiedToken(), 'a.b.c');

describe('configuration', () => {
  test.each([
    'orders',
    'orders:8080',
    '//orders',
    '/orders',
    '',
    '*',
    '*.svc.internal',
    'http://',
    'ftp://orders',
    'ws://orders',
    'file:///orders',
    'blob:http://orders/',
    'data:,x',
    'javascript:0',
    'http://orders/path',
    'http://orders/?q',
    'http://orders/#f',
    'http://user@orders',
    'http://user:pw@orders',
    'http://orders:99999',
    'http://or ders',
    'http://*',
    'https://*.',
    'https://*.com',
    'https://*.internal',
    'https://a.*.internal',
    'https://*.*.svc.internal',
    'https://a*.svc.internal',
    'https://svc.*',
    'https://*.svc.internal/path',
    'http*://orders',
    'https://**.svc.internal',
  ])('the destination %j is refused', (destination) => {
    expect(outcome(() => createPropagator({ destinations: [destination] }))).toBe('config_invalid');
  });

  test('so are things that are no text, lists that are none, and unknown options', () => {
    for (const destination of [null, undefined, 5, {}, [], /x/, new URL('http://orders')])
      expect(outcome(() => createPropagator({ destinations: [destination as never] }))).toBe('config_invalid');
    for (const destinations of [null, 'http://orders', {}, new Set(['http://orders'])])
      expect(outcome(() => createPropagator({ destinations: destinations as never }))).toBe('config_invalid');
    expect(outcome(() => createPropagator({ destination: ['http://orders'] } as never))).toBe('config_invalid');
  });

  test('the default is nowhere', () => {
    for (const url of ['http://orders', 'http://localhost', 'http://127.0.0.1'])
      expect(createPropagator({}).allows(url)).toBe(false);
  });
});

describe('destinations', () => {
  test.each([
    // another scheme or port
    'https://orders:8080',
    'http://orders',
    'http://orders:80',
    'http://orders:8081',
    'http://billing.internal',
    'https://billing.internal:8443',
    'http://a.svc.internal',
    'https://a.svc.internal:444',
    'http://a.mesh.test',
    // user information, and what looks like it
    'http://orders:8080@evil.example',
    'http://orders:8080@evil.example/',
    'https://billing.internal@evil.example',
    'https://a.svc.internal@evil.example',
    'http://evil.example#@orders:8080',
    'http://evil.example?@orders:8080',
    String.raw`http://evil.example\@orders:8080`,
    'http://evil.example/@orders:8080',
    'http://evil.example%40orders:8080',
    'https://evil.example%2f.svc.internal',
    // endings and beginnings
    'https://evilsvc.internal',
    'https://svc.internal',
    'https://.svc.internal',
    'https://a.svc.internal.evil.example',
    'https://a-svc.internal',
    'https://svc.internal.evil.example',
    'https://xbilling.internal',
    'https://billing.internal.evil.example',
    'http://orders.evil.example:8080',
    'http://xorders:8080',
    'http://order:8080',
    // trailing dots
    'http://orders.:8080',
    'https://billing.internal.',
    'https://a.svc.internal.',
    'https://a.svc.internal..',
    // other spellings of other addresses
    'http://[::2]:9000',
    'http://[::1]:9001',
    'http://localhost:9000',
    'http://127.0.0.1:9000',
    'http://0x7f000001:9000',
    'https://bucher.example',
    'https://xn--bcher-kva.example.evil.example',
    // other schemes with an origin of their own or of another
    'blob:http://orders:8080/0d6e9e8a',
    'blob:https://a.svc.internal/x',
    'filesystem:http://orders:8080/x',
    'ws://orders:8080',
    'wss://a.svc.internal',
    'file://orders:8080/',
    'data:text/plain,http://orders:8080',
    'javascript:http://orders:8080',
    'view-source:http://orders:8080',
    // no absolute URL
    '',
    ' ',
    'orders:8080',
    '//orders:8080',
    '/path',
    'http://',
    'http://:8080',
    'null',
    'http://orders:8080:8080',
    'http://or ders:8080',
    'http://orders:8080\u0000.evil.example:99999',
  ])('%j is not allowed', (url) => {
    expect(propagator.allows(url)).toBe(false);
    const parsed = URL.parse(url);
    if (parsed !== null) expect(propagator.allows(parsed)).toBe(false);
  });

  test.each([
    'http://orders:8080',
    'http://orders:8080/path?q#f',
    'HTTP://ORDERS:8080/',
    'http://user:pw@orders:8080/',
    'https://billing.internal',
    'https://billing.internal:443/x',
    'https://BILLING.internal',
    'https://a.svc.internal',
    'https://a.b.c.svc.internal/x',
    'https://A.SVC.INTERNAL',
    'https://a.svc.internal:443',
    'http://x.mesh.test:8080',
    'http://[::1]:9000/',
    'http://[0:0:0:0:0:0:0:1]:9000',
    'https://bücher.example',
    'https://BÜCHER.example',
    'https://xn--bcher-kva.example',
    'http:orders:8080',
    '\thttp://orders:8080\n',
    String.raw`http:\\orders:8080`,
  ])('%j is allowed: it goes where the configuration says', (url) => {
    expect(propagator.allows(url)).toBe(true);
    expect(propagator.allows(new URL(url))).toBe(true);
  });

  test.each([null, 5, {}, [], { origin: 'http://elsewhere' }])('%j is no address', (url) => {
    expect(propagator.allows(url as never)).toBe(false);
  });
});

describe('inject', () => {
  const inject = (
    url: string,
    headers: Record<string, string> = {},
    by: Propagator = propagator,
  ): [boolean, Record<string, string>] => [by.inject(url, toRecord(headers)), headers];

  test('without a context it throws towards an allowed destination, and never adds a token', () => {
    expect(outcome(() => inject('http://orders:8080'))).toBe('context_lost');
    expect(inject('http://evil.example')).toEqual([false, {}]);
  });

  test('TT-31: a token that somebody else put there is removed, wherever the call goes, in any spelling', () => {
    const forged = (): Record<string, string> => ({
      'Txn-Token': 'forged',
      'TXN-TOKEN': 'forged',
      'txn-token': 'forged',
      other: 'x',
    });
    expect(runWithIdentity(identity, () => inject('http://evil.example', forged()))).toEqual([false, { other: 'x' }]);
    expect(runAnonymous(() => inject('http://orders:8080', forged()))).toEqual([false, { other: 'x' }]);
    expect(runWithIdentity(identity, () => inject('http://orders:8080', forged()))).toEqual([
      true,
      { 'txn-token': 'a.b.c', other: 'x' },
    ]);
    const lost = forged();
    expect(outcome(() => inject('http://orders:8080', lost))).toBe('context_lost');
    expect(lost).toEqual({ other: 'x' });
  });

  test('TT-27: the token goes out byte for byte', () => {
    expect(runWithIdentity(identity, () => inject('https://a.svc.internal'))).toEqual([true, { 'txn-token': 'a.b.c' }]);
  });

  test('an identity without a Txn-Token is not propagated: the external token never goes past the edge', async () => {
    const external = new Identity(await verifiedToken());
    expect(runWithIdentity(external, () => inject('http://orders:8080'))).toEqual([false, {}]);
  });
});
