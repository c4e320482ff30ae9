import { type Identity, createPropagator, runAnonymous, runWithIdentity } from '@watchword/core';
import { type Downstream, callerOf, createTrustDomain, startDownstream } from '@watchword/conformance';
import { type Fetch, createFetch } from '@watchword/fetch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let allowed: Downstream;
let denied: Downstream;
let identity: Identity;
let token: string;
let fetch: Fetch;

beforeAll(async () => {
  [allowed, denied] = await Promise.all([startDownstream(), startDownstream()]);
  ({ identity, token } = await callerOf(createTrustDomain(), 'user-1'));
  fetch = createFetch(createPropagator({ destinations: [allowed.origin] }));
});
beforeEach(() => {
  allowed.take();
  denied.take();
});
afterAll(() => Promise.all([allowed.close(), denied.close()]));

const asAlice = <Result>(work: () => Result): Result => runWithIdentity(identity, work);
const redirectTo = (from: Downstream, to: string): string => `${from.origin}/redirect?to=${encodeURIComponent(to)}`;

describe('redirects', () => {
  it('refuses an explicit redirect: "follow" when a token would be carried, before anything is sent', async () => {
    const call = asAlice(() => fetch(`${allowed.origin}/a`, { redirect: 'follow' }));
    await expect(call).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('redirect') });
    expect(allowed.take()).toEqual([]);
  });

  it('hands the 3xx and its Location to the caller when a token was carried', async () => {
    const to = `${denied.origin}/elsewhere`;
    const response = await asAlice(() => fetch(redirectTo(allowed, to)));
    expect([response.status, response.headers.get('location')]).toEqual([302, to]);
    expect(denied.take()).toEqual([]);
  });

  it('hands the 3xx over for a Request too, whose own mode says "follow" without anybody having asked for it', async () => {
    const response = await asAlice(() => fetch(new Request(redirectTo(allowed, denied.origin))));
    expect(response.status).toBe(302);
    expect(denied.take()).toEqual([]);
  });

  it.each([
    ['init', () => fetch(redirectTo(allowed, denied.origin), { redirect: 'error' })],
    ['Request', () => fetch(new Request(redirectTo(allowed, denied.origin), { redirect: 'error' }))],
  ])('keeps redirect: "error" of the %s', async (_place, call) => {
    await expect(asAlice(call)).rejects.toThrow(TypeError);
    expect(denied.take()).toEqual([]);
  });

  it('leaves calls that carry no token to fetch: they follow, and the hop gets no token either', async () => {
    const target = redirectTo(denied, `${allowed.origin}/hop`);
    expect((await asAlice(() => fetch(target))).status).toBe(200);
    expect((await asAlice(() => fetch(target, { redirect: 'follow' }))).status).toBe(200);
    expect((await runAnonymous(() => fetch(redirectTo(allowed, `${allowed.origin}/hop`), { redirect: 'follow' }))).status).toBe(
      200,
    );
    expect(allowed.take().flatMap(({ tokens }) => tokens)).toEqual([]);
  });
});

describe('addresses', () => {
  it('takes strings, URL objects and Requests', async () => {
    const url = `${allowed.origin}/x`;
    for (const input of [url, new URL(url), new Request(url)]) await asAlice(() => fetch(input));
    expect(allowed.take()).toEqual([1, 2, 3].map(() => ({ path: '/x', tokens: [token] })));
  });

  it('leaves it to fetch to refuse what is no address', async () => {
    await expect(asAlice(() => fetch('/relative'))).rejects.toThrow(TypeError);
    await expect(asAlice(() => fetch('http://'))).rejects.toThrow(TypeError);
  });

  it('calls the address that it decided on, when an object would give another one the second time', async () => {
    const addresses = [`${allowed.origin}/first`, `${denied.origin}/second`];
    const shifty = { toString: () => addresses.shift()! };
    await asAlice(() => fetch(shifty as unknown as string));
    expect(allowed.take()).toEqual([{ path: '/first', tokens: [token] }]);
    expect(denied.take()).toEqual([]);
  });
});

describe('headers and the rest of the call', () => {
  const smuggled = { 'TXN-token': 'smuggled', 'x-kept': 'yes' };

  it.each([
    ['a record', (): RequestInit => ({ headers: smuggled })],
    ['pairs', (): RequestInit => ({ headers: Object.entries(smuggled) })],
    ['Headers', (): RequestInit => ({ headers: new Headers(smuggled) })],
  ])('takes headers as %s, and does not change them', async (_form, init) => {
    const given = init();
    const sent = await requestOf(() => asAlice(() => fetch(`${denied.origin}/h`, given)));
    expect([sent.headers.get('txn-token'), sent.headers.get('x-kept')]).toEqual([null, 'yes']);
    expect(new Headers(given.headers).get('txn-token')).toBe('smuggled');
  });

  it('keeps method, headers and body of a Request, and does not change it', async () => {
    const request = new Request(`${allowed.origin}/r`, { method: 'PUT', headers: smuggled, body: 'content' });
    const sent = await requestOf(() => asAlice(() => fetch(request)));
    expect([sent.method, sent.headers.get('x-kept'), sent.headers.get('content-type')]).toEqual([
      'PUT',
      'yes',
      'text/plain;charset=UTF-8',
    ]);
    expect(sent.headers.get('txn-token')).toBe(token);
    expect(await sent.text()).toBe('content');
    expect(request.headers.get('txn-token')).toBe('smuggled');
  });

  it('keeps the members of a Request that is given as init', async () => {
    const init = new Request(`${denied.origin}/other`, { method: 'POST', headers: smuggled, body: 'content' });
    const sent = await requestOf(() => asAlice(() => fetch(`${allowed.origin}/r`, init)));
    expect([sent.url, sent.method, sent.headers.get('txn-token')]).toEqual([`${allowed.origin}/r`, 'POST', token]);
    expect(await sent.text()).toBe('content');
  });

  it('lets init override the headers of a Request as fetch does', async () => {
    const request = new Request(`${allowed.origin}/r`, { headers: { 'x-request': '1' } });
    const sent = await requestOf(() => asAlice(() => fetch(request, { headers: { 'x-init': '2' } })));
    expect([...sent.headers]).toEqual([
      ['txn-token', token],
      ['x-init', '2'],
    ]);
  });

  it('keeps the signal', async () => {
    const reason = new Error('stopped');
    await expect(asAlice(() => fetch(`${allowed.origin}/s`, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });

  it('rejects, and does not throw, where the context is lost', async () => {
    let result: Promise<Response> | undefined;
    expect(() => (result = fetch(`${allowed.origin}/l`))).not.toThrow();
    await expect(result).rejects.toMatchObject({ code: 'context_lost' });
  });

  // What the wrapped fetch would send, read the way fetch itself reads it.
  async function requestOf(call: () => unknown): Promise<Request> {
    const outer = fetch;
    let seen: Request | undefined;
    fetch = createFetch(createPropagator({ destinations: [allowed.origin] }), async (input, init) => {
      seen = new Request(input, init);
      return new Response();
    });
    try {
      await call();
    } finally {
      fetch = outer;
    }
    return seen!;
  }
});
