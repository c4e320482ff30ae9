import { PassThrough, Readable } from 'node:stream';
import { type TrustDomain, callerOf, createTrustDomain } from '@watchword/conformance';
import { type Identity, WatchwordError, currentIdentity, currentIdentityOrNobody, runWithIdentity } from '@watchword/core';
import { type WatchwordOptions, type WatchwordRouteConfig, watchword } from '@watchword/fastify';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let trust: TrustDomain;
let token: string;
let intruder: Identity;
let app: FastifyInstance;

beforeAll(async () => {
  trust = createTrustDomain();
  token = await trust.tokenFor('user-1', 'orders:read');
  intruder = (await callerOf(trust, 'intruder')).identity;
});
beforeEach(() => void (app = fastify()));
afterEach(() => app.close());

const register = async (more: Partial<WatchwordOptions> = {}): Promise<void> =>
  void (await app.register(watchword, { pipeline: trust.createPipeline(), ...more }));
const whoami = (): object => ({ subject: currentIdentityOrNobody()?.subject ?? 'nobody' });
const headers = (): Record<string, string> => ({ 'txn-token': token });

describe('registration', () => {
  it.each([
    ['an unknown name', { scope: 'orders:read' }],
    ['scopes that are a string', { scopes: 'orders:read' }],
    ['no scopes', { scopes: [] }],
    ['two scopes in one', { scopes: ['a b'] }],
    ['public that is a word', { public: 'yes' }],
    ['public with scopes', { public: true, scopes: ['a'] }],
    ['null', null],
    ['true', true],
  ])('refuses a route whose config has %s, naming the route', async (_what, config) => {
    await register();
    const add = (): unknown => app.get('/orders', { config: { watchword: config as unknown as WatchwordRouteConfig } }, whoami);
    expect(add).toThrow(/GET \/orders: config\.watchword/);
  });

  it('refuses to start without a pipeline', async () => {
    await expect(register({ pipeline: undefined as never })).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('refuses to be registered after a route', async () => {
    app.get('/early', whoami);
    await expect(register()).rejects.toThrow(/before any route/);
  });

  it('refuses to be registered after a plugin with routes, which would stay open', async () => {
    await app.register(async (scope) => void scope.get('/early', whoami));
    await expect(register()).rejects.toThrow(/before any route/);
  });

  it('guards the routes of plugins that come after it', async () => {
    await register();
    await app.register(async (scope) => void scope.get('/later', whoami), { prefix: '/p' });
    expect((await app.inject('/p/later')).statusCode).toBe(401);
    expect((await app.inject({ url: '/p/later', headers: headers() })).json()).toEqual({ subject: 'user-1' });
  });

  it('guards a scope of its own and nothing above it, when registered there', async () => {
    await app.register(async (scope) => {
      await scope.register(watchword, { pipeline: trust.createPipeline() });
      scope.get('/inside', whoami);
    });
    app.get('/outside', async () => 'open');
    expect((await app.inject('/inside')).statusCode).toBe(401);
    expect((await app.inject('/outside')).statusCode).toBe(200);
  });
});

describe('requests that no route matches', () => {
  it("are refused without a token and are 404 with one, by the host's handler and by a handler of one's own", async () => {
    await register();
    expect((await app.inject('/none')).statusCode).toBe(401);
    expect((await app.inject({ url: '/none', headers: headers() })).statusCode).toBe(404);
    await app.close();
    app = fastify();
    await register();
    app.setNotFoundHandler((_request, reply) => reply.code(404).send(whoami()));
    expect((await app.inject('/none')).statusCode).toBe(401);
    expect((await app.inject({ url: '/none', headers: headers() })).json()).toEqual({ subject: 'user-1' });
  });

  it('are refused for another method of a public route', async () => {
    await register();
    app.get('/public', { config: { watchword: { public: true } } }, whoami);
    expect((await app.inject({ method: 'POST', url: '/public' })).statusCode).toBe(401);
    expect((await app.inject({ method: 'HEAD', url: '/public' })).statusCode).toBe(200);
  });
});

describe('errors', () => {
  it('answers the WatchwordErrors of handlers, and leaves other errors to the handler that was there', async () => {
    app.setErrorHandler((error, _request, reply) => reply.code(418).send({ message: (error as Error).message }));
    await register();
    app.get('/ours', () => Promise.reject(new WatchwordError('upstream_timeout')));
    app.get('/theirs', () => Promise.reject(new Error('theirs')));
    const ours = await app.inject({ url: '/ours', headers: headers() });
    expect([ours.statusCode, ours.headers['content-type']]).toEqual([504, expect.stringContaining('application/problem+json')]);
    const theirs = await app.inject({ url: '/theirs', headers: headers() });
    expect([theirs.statusCode, theirs.json()]).toEqual([418, { message: 'theirs' }]);
  });

  it("leaves the host's own errors as they are", async () => {
    await register();
    app.post('/typed', { schema: { body: { type: 'object', required: ['a'] } } }, whoami);
    const response = await app.inject({ method: 'POST', url: '/typed', headers: headers(), payload: {} });
    expect([response.statusCode, response.json().code]).toEqual([400, 'FST_ERR_VALIDATION']);
  });

  it('refuses on its own, even where a plugin has an error handler that would let anything pass', async () => {
    await register();
    await app.register(async (scope) => {
      scope.setErrorHandler((_error, _request, reply) => reply.code(200).send('fine'));
      scope.get('/guarded', whoami);
    });
    expect((await app.inject('/guarded')).statusCode).toBe(401);
  });

  it('logs the code of a refusal, and neither token nor claims (ER-6, E12)', async () => {
    const lines: string[] = [];
    await app.close();
    app = fastify({ logger: { level: 'info', stream: { write: (line: string) => void lines.push(line) } } });
    await register({ realm: 'orders' });
    const forged = await trust.badToken('forged');
    const response = await app.inject({ url: '/', headers: { 'txn-token': forged } });
    expect(response.headers['www-authenticate']).toContain('realm="orders"');
    expect(lines.join('')).toContain('"code":"signature_invalid"');
    expect(lines.join('')).not.toContain(forged.split('.')[2]);
    expect(lines.join('')).not.toContain('intruder');
  });
});

describe('context', () => {
  it('is there in every hook from preParsing on, in parser, handler, serializer and stream', async () => {
    await register();
    const seen: Record<string, string> = {};
    const look = (place: string): void => void (seen[place] = (whoami() as { subject: string }).subject);
    const hooks = ['preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse'] as const;
    for (const hook of hooks) app.addHook(hook as 'preHandler', async () => look(hook));
    app.addContentTypeParser('text/slow', (_request, payload, done) => {
      payload.on('data', () => look('parser data'));
      payload.on('end', () => done(null, 'parsed'));
    });
    app.post('/stages', async () => {
      look('handler');
      await new Promise((resolve) => setTimeout(resolve, 2));
      look('handler after a timer');
      return Readable.from(
        (function* () {
          look('response stream');
          yield 'done';
        })(),
      );
    });
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    const body = Readable.toWeb(Readable.from(slow())) as ReadableStream;
    const response = await fetch(`${origin}/stages`, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { ...headers(), 'content-type': 'text/slow' },
    } as RequestInit);
    expect(await response.text()).toBe('done');
    await app.close();
    expect(Object.keys(seen)).toHaveLength(9);
    expect(new Set(Object.values(seen))).toEqual(new Set(['user-1']));
  });

  it("is the caller's again after a hook that calls back from another one's (D5)", async () => {
    await register();
    app.addHook('preParsing', (_request, _reply, payload, done) => runWithIdentity(intruder, () => done(null, payload)));
    app.post('/mixed', { preValidation: async () => void expect(whoami()).toEqual({ subject: 'user-1' }) }, whoami);
    const response = await app.inject({ method: 'POST', url: '/mixed', headers: headers(), payload: { a: 1 } });
    expect(response.json()).toEqual({ subject: 'user-1' });
  });

  it("is the caller's where a hook replaces the body by another stream", async () => {
    await register();
    app.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new PassThrough()));
    app.post('/replaced', whoami);
    const response = await app.inject({ method: 'POST', url: '/replaced', headers: headers(), payload: { a: 1 } });
    expect(response.json()).toEqual({ subject: 'user-1' });
  });

  it('hands the identity out on the request: none on public routes', async () => {
    await register();
    app.get('/me', (request, reply) =>
      reply.send({ handedOut: request.identity?.subject, same: request.identity === currentIdentity() }),
    );
    app.get('/public', { config: { watchword: { public: true } } }, (request, reply) =>
      reply.send({ handedOut: request.identity?.subject ?? null }),
    );
    expect((await app.inject({ url: '/me', headers: headers() })).json()).toEqual({ handedOut: 'user-1', same: true });
    expect((await app.inject({ url: '/public', headers: headers() })).json()).toEqual({ handedOut: null });
  });
});

function* slow(): Generator<Promise<string>> {
  for (const chunk of ['a', 'b', 'c']) yield new Promise((resolve) => setTimeout(() => resolve(chunk), 15));
}
