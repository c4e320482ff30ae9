import { createServer } from 'node:http';
import { type Identity, createPropagator, runWithIdentity } from '@watchword/core';
import {
  type Downstream,
  type TrustDomain,
  callerOf,
  closeServer,
  createTrustDomain,
  listen,
  startDownstream,
} from '@watchword/conformance';
import { type PropagateOptions, propagate } from '@watchword/fetch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as undici8 from 'undici';
import * as undici7 from 'undici-7';

const versions = [
  { version: 7, undici: undici7 as unknown as typeof undici8 },
  { version: 8, undici: undici8 },
];

let trust: TrustDomain;
let allowed: Downstream;
let alsoAllowed: Downstream;
let denied: Downstream;
let identity: Identity;
let token: string;

beforeAll(async () => {
  trust = createTrustDomain();
  [allowed, alsoAllowed, denied] = await Promise.all([startDownstream(), startDownstream(), startDownstream()]);
  ({ identity, token } = await callerOf(trust, 'user-1'));
});
beforeEach(() => [allowed, alsoAllowed, denied].forEach((server) => server.take()));
afterAll(() => Promise.all([allowed, alsoAllowed, denied].map((server) => server.close())));

const interceptor = (options: PropagateOptions = { connectsTo: 'per-request' }): ReturnType<typeof propagate> =>
  propagate(createPropagator({ destinations: [allowed.origin, alsoAllowed.origin] }), options);
const redirectTo = (to: string): string => `/redirect?to=${encodeURIComponent(to)}`;

describe.each(versions)('undici $version', ({ version, undici }) => {
  type Options = Parameters<undici8.Dispatcher['request']>[0];
  const { redirect, retry } = undici.interceptors;

  async function using<Result>(dispatcher: undici8.Dispatcher, work: () => Promise<Result>): Promise<Result> {
    return work().finally(() => dispatcher.destroy());
  }
  async function request(dispatcher: undici8.Dispatcher, options: Partial<Options> & { origin?: string | URL }): Promise<number> {
    const { statusCode, body } = await dispatcher.request({ method: 'GET', path: '/', ...options } as Options);
    await body.dump();
    return statusCode;
  }
  const asAlice = (dispatcher: undici8.Dispatcher, options: Partial<Options>): Promise<number> =>
    runWithIdentity(identity, () => request(dispatcher, options));

  describe('where it connects to', () => {
    it('does not believe the origin of a dispatch when the dispatcher has one of its own', async () => {
      const client = new undici.Client(denied.origin);
      await using(client, async () => {
        const composed = client.compose(interceptor({ connectsTo: denied.origin }));
        await asAlice(composed, { origin: allowed.origin, path: '/a' });
        expect(denied.take()).toEqual([{ path: '/a', tokens: [] }]);
      });
    });

    it('does not hand a redirect of a denied Client to an allowed origin over to the Client', async () => {
      const pool = new undici.Pool(denied.origin);
      await using(pool, async () => {
        const composed = pool.compose(interceptor({ connectsTo: denied.origin }), redirect({ maxRedirections: 2 }));
        await asAlice(composed, { path: redirectTo(`${allowed.origin}/b`) }).catch(() => undefined);
        const tokens = denied.take().flatMap((arrival) => arrival.tokens);
        expect(tokens).toEqual([]);
      });
    });

    it('carries the token through a Pool of an allowed origin, with and without an origin in the dispatch', async () => {
      const pool = new undici.Pool(allowed.origin);
      await using(pool, async () => {
        const composed = pool.compose(interceptor({ connectsTo: allowed.origin }));
        await asAlice(composed, { path: '/c' });
        await asAlice(composed, { origin: allowed.origin, path: '/c' });
        expect(allowed.take()).toEqual([1, 2].map(() => ({ path: '/c', tokens: [token] })));
      });
    });

    if (version === 7) {
      it('refuses to be composed when nobody says where it connects to', () => {
        expect(() => new undici.Agent().compose(interceptor({}))).toThrow(/connectsTo/);
      });
    } else {
      it('knows by itself: an Agent by the request, a Client by its origin, a BalancedPool not at all', async () => {
        const agent = new undici.Agent();
        const client = new undici.Client(denied.origin);
        const balanced = new undici.BalancedPool([allowed.origin]);
        await using(agent, () => asAlice(agent.compose(interceptor({})), { origin: allowed.origin, path: '/agent' }));
        await using(client, () => asAlice(client.compose(interceptor({})), { origin: allowed.origin, path: '/client' }));
        await using(balanced, () => asAlice(balanced.compose(interceptor({})), { origin: allowed.origin, path: '/balanced' }));
        expect(allowed.take()).toEqual([
          { path: '/agent', tokens: [token] },
          { path: '/balanced', tokens: [] },
        ]);
        expect(denied.take()).toEqual([{ path: '/client', tokens: [] }]);
      });
    }

    it('sends no token along with a path that is a whole URL: such a call is meant for somebody behind the origin', async () => {
      const agent = new undici.Agent();
      await using(agent, async () => {
        await asAlice(agent.compose(interceptor()), { origin: allowed.origin, path: `${denied.origin}/d` });
        expect(allowed.take()).toEqual([{ path: `${denied.origin}/d`, tokens: [] }]);
      });
    });

    it('decides by the origin of a path that starts with two slashes', async () => {
      const agent = new undici.Agent();
      await using(agent, async () => {
        await asAlice(agent.compose(interceptor()), { origin: denied.origin, path: `//${new URL(allowed.origin).host}/e` });
        expect(denied.take().flatMap((arrival) => arrival.tokens)).toEqual([]);
      });
    });
  });

  describe('headers', () => {
    const shapes: [string, unknown][] = [
      ['a flat array', ['Txn-Token', 'smuggled', 'x-kept', '1', 'X-Kept', '2']],
      ['a record', { 'tXN-TOKEN': 'smuggled', 'x-kept': ['1', '2'] }],
      ['a record without prototype', Object.assign(Object.create(null), { 'Txn-Token': 'smuggled', 'x-kept': ['1', '2'] })],
      [
        'a Map',
        new Map<string, unknown>([
          ['Txn-Token', 'smuggled'],
          ['x-kept', ['1', '2']],
        ]),
      ],
      [
        'Headers',
        new Headers([
          ['Txn-Token', 'smuggled'],
          ['x-kept', '1'],
          ['x-kept', '2'],
        ]),
      ],
      ['a generator', undefined],
    ];
    function* generated(): Generator<[string, string]> {
      yield ['Txn-Token', 'smuggled'];
      yield ['x-kept', '1'];
      yield ['x-kept', '2'];
    }

    it.each(shapes)('takes %s, and takes off a token in it', async (_shape, given) => {
      const seen: string[] = [];
      const server = createServer((req, res) => {
        seen.push(`${req.headersDistinct['txn-token'] ?? '-'} ${req.headersDistinct['x-kept']?.join(', ')}`);
        res.end();
      });
      const origin = await listen(server);
      const agent = new undici.Agent();
      const headers = (given ?? generated()) as Options['headers'];
      await using(agent, () => asAlice(agent.compose(interceptor()), { origin, headers: headers! }));
      await closeServer(server);
      expect(seen).toEqual(['- 1, 2']);
    });

    it.each([
      ['null', null],
      ['nothing', undefined],
      ['an empty array', []],
    ])('injects into %s', async (_shape, headers) => {
      const agent = new undici.Agent();
      await using(agent, () => asAlice(agent.compose(interceptor()), { origin: allowed.origin, headers } as never));
      expect(allowed.take()).toEqual([{ path: '/', tokens: [token] }]);
    });
  });

  describe('redirects', () => {
    it('decides each hop anew when redirect() stands around it', async () => {
      const agent = new undici.Agent();
      const composed = agent.compose(interceptor(), redirect({ maxRedirections: 5 }));
      const path = redirectTo(denied.origin + redirectTo(`${alsoAllowed.origin}/end`));
      await using(agent, () => asAlice(composed, { origin: allowed.origin, path }));
      const tokens = [allowed, denied, alsoAllowed].map((server) => server.take().map((arrival) => arrival.tokens));
      expect(tokens).toEqual([[[token]], [[]], [[token]]]);
    });

    it('is not redirected at all when redirect() stands below it: the token would go anywhere', async () => {
      const agent = new undici.Agent();
      const composed = agent.compose(redirect({ maxRedirections: 5 }), interceptor());
      const status = await using(agent, () => asAlice(composed, { origin: allowed.origin, path: redirectTo(denied.origin) }));
      expect(status).toBe(302);
      expect(denied.take()).toEqual([]);
    });

    it('carries the token of the caller on every hop, though undici dispatches them from shared sockets (D5)', async () => {
      const agent = new undici.Agent({ connections: 2 });
      const composed = agent.compose(interceptor(), redirect({ maxRedirections: 2 }));
      const callers = await Promise.all(Array.from({ length: 20 }, (_, index) => callerOf(trust, `user-${index}`)));
      const call = (index: number): Promise<number> => {
        const path = redirectTo(`${alsoAllowed.origin}/${index}`);
        return runWithIdentity(callers[index % 20]!.identity, () => request(composed, { origin: allowed.origin, path }));
      };
      await using(agent, () => Promise.all(Array.from({ length: 400 }, (_, index) => call(index))));
      const arrivals = alsoAllowed.take();
      expect(arrivals).toHaveLength(400);
      for (const { path, tokens } of arrivals) expect(tokens).toEqual([callers[Number(path.slice(1)) % 20]!.token]);
    });
  });

  describe('retries', () => {
    it.each(['around', 'below'])('carries the token of the caller on the second attempt: retry() %s it (D5)', async (place) => {
      const attempts = new Map<string, unknown[]>();
      const server = createServer((req, res) => {
        const tokens = attempts.get(req.url!) ?? [];
        attempts.set(req.url!, [...tokens, req.headersDistinct['txn-token']]);
        res.writeHead(tokens.length === 0 ? 503 : 200).end();
      });
      const origin = await listen(server);
      const propagation = propagate(createPropagator({ destinations: [origin] }), { connectsTo: 'per-request' });
      const again = retry({ minTimeout: 1, maxTimeout: 5 });
      const agent = new undici.Agent({ connections: 2 });
      const composed = place === 'around' ? agent.compose(propagation, again) : agent.compose(again, propagation);
      const callers = await Promise.all(Array.from({ length: 20 }, (_, index) => callerOf(trust, `user-${index}`)));
      const call = (index: number): Promise<number> =>
        runWithIdentity(callers[index % 20]!.identity, () => request(composed, { origin, path: `/${index}` }));
      await using(agent, () => Promise.all(Array.from({ length: 100 }, (_, index) => call(index))));
      await closeServer(server);
      expect(attempts.size).toBe(100);
      for (const [path, tokens] of attempts) {
        const own = [callers[Number(path.slice(1)) % 20]!.token];
        expect(tokens).toEqual([own, own]);
      }
    });
  });

  it('rejects where the context is lost', async () => {
    const agent = new undici.Agent();
    const call = using(agent, () => request(agent.compose(interceptor()), { origin: allowed.origin }));
    await expect(call).rejects.toMatchObject({ code: 'context_lost' });
    expect(allowed.take()).toEqual([]);
  });
});
