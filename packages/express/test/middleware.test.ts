import { createServer } from 'node:http';
import { type TrustDomain, callerOf, closeServer, createTrustDomain, listen } from '@watchword/conformance';
import { type Identity, WatchwordError, currentIdentity, runWithIdentity } from '@watchword/core';
import { anonymous, requireScopes, watchword, watchwordErrors } from '@watchword/express';
import express5, { type Express, type RequestHandler } from 'express';
import express4 from 'express-4';
import { beforeAll, describe, expect, it } from 'vitest';

let trust: TrustDomain;
let token: string;
let intruder: Identity;
beforeAll(async () => {
  trust = createTrustDomain();
  token = await trust.tokenFor('user-1', 'orders:read');
  intruder = (await callerOf(trust, 'intruder')).identity;
});

const versions = [
  { version: 5, express: express5 },
  { version: 4, express: express4 },
];

it.each([[[]], [['']], [['a b']], [[1]]])('requireScopes(...%j) is refused while the service starts', (scopes) => {
  expect(() => requireScopes(...(scopes as string[]))).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});

it('watchword() refuses options that nobody reads', () => {
  expect(() => watchword(trust.createPipeline(), { scope: 'x' } as never)).toThrow(/scope: unknown option/);
});

describe.each(versions)('Express $version', ({ express }) => {
  const whoami: RequestHandler = (req, res) =>
    void res.json({ subject: currentIdentity().subject, handedOut: req.identity?.subject });

  const fail: RequestHandler = (_req, _res, next) => next(new WatchwordError('overloaded'));

  async function call(
    build: (app: Express) => void,
    path = '/',
    init: RequestInit = { headers: { 'txn-token': token } },
  ): Promise<Response> {
    const app = express();
    app.set('env', 'test');
    build(app);
    const server = createServer(app);
    return fetch((await listen(server)) + path, init)
      .then(async (response) => {
        await response.clone().arrayBuffer();
        return response;
      })
      .finally(() => closeServer(server));
  }

  it('refuses without the error handler too: the route is not reached', async () => {
    let reached = false;
    const response = await call(
      (app) =>
        app.use(watchword(trust.createPipeline()), () => {
          reached = true;
        }),
      '/',
      {},
    );
    expect([reached, response.status]).toEqual([false, 500]);
  });

  it('refuses requireScopes() without watchword() before it, with 500: the service is wired wrongly', async () => {
    const response = await call((app) => app.use(anonymous(), requireScopes('orders:read'), whoami, watchwordErrors()));
    expect(response.status).toBe(500);
  });

  it('does not take req.identity from other middlewares', async () => {
    const forge: RequestHandler = (req, _res, next) => {
      req.identity = intruder;
      next();
    };
    const response = await call((app) => app.use(forge, requireScopes('orders:read'), whoami, watchwordErrors()));
    expect(response.status).toBe(500);
  });

  it('requires all the scopes, of the pipeline and of the route', async () => {
    const guarded = (scopes: string[]): Promise<Response> =>
      call((app) =>
        app.use(
          watchword(trust.createPipeline(), { scopes: ['orders:read'] }),
          requireScopes(...scopes),
          whoami,
          watchwordErrors(),
        ),
      );
    expect((await guarded(['orders:read'])).status).toBe(200);
    const refused = await guarded(['orders:read', 'orders:write']);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('scope="orders:read orders:write"');
  });

  it('enters the context of the caller again where a middleware in between mixed it up (D5)', async () => {
    const mixUp: RequestHandler = (_req, _res, next) => runWithIdentity(intruder, next);
    const response = await call((app) => app.use(watchword(trust.createPipeline()), mixUp, requireScopes('orders:read'), whoami));
    expect(await response.json()).toEqual({ subject: 'user-1', handedOut: 'user-1' });
  });

  it('leaves the errors of others to others', async () => {
    const response = await call(
      (app) => {
        app.use(watchword(trust.createPipeline()), express.json(), whoami, watchwordErrors());
      },
      '/',
      { method: 'POST', body: '{', headers: { 'txn-token': token, 'content-type': 'application/json' } },
    );
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
  });

  it('keeps the caller through express.json() behind anonymous() and watchword() both', async () => {
    const response = await call(
      (app) => {
        app.use(anonymous(), watchword(trust.createPipeline()), express.json(), whoami);
      },
      '/',
      {
        method: 'POST',
        body: slowBody('{"a":', '1}'),
        duplex: 'half',
        headers: { 'txn-token': token, 'content-type': 'application/json' },
      } as RequestInit,
    );
    expect(await response.json()).toEqual({ subject: 'user-1', handedOut: 'user-1' });
  });

  it('names the realm, and writes the problem of a WatchwordError that a handler passes on', async () => {
    const refused = await call(
      (app) => app.use(watchword(trust.createPipeline()), watchwordErrors({ realm: 'orders' })),
      '/',
      {},
    );
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="orders"']);
    const failed = await call((app) => app.use(anonymous(), fail, watchwordErrors()));
    expect([failed.status, failed.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
  });
});

function slowBody(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 15));
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
}
