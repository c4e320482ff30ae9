/** Deferred routes: what is refused at the door, what is stored, what runs and what must not, and what the client is told. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSqliteRevocationLog } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { createConfig } from '../../src/index.ts';
import { signatureChecks } from '../../../core/test/support/signature-count.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { type TestUpstream, startUpstream, valuesOf } from '../support/upstream.ts';

const ROUTES = [
  { path: '/later/*', upstream: 'main', verification: 'deferred', maxAgeSeconds: 60, scopes: ['read'] },
  { path: '/now/*', upstream: 'main' },
];

function section(more: object = {}): object {
  const folder = temporaryDirectory();
  const sealKeyFile = join(folder, 'secret');
  writeFileSync(sealKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  return { queue: { sqlite: join(folder, 'deferred.db') }, sealKeyFile, ...more };
}

async function start(
  upstream: TestUpstream,
  deferred: object = section(),
  more: Record<string, unknown> = {},
): Promise<TestEdge> {
  return startEdge(upstream.url, { routes: ROUTES, deferred, ...more });
}

interface Accepted {
  readonly id: string;
  readonly status: string;
}

async function send(
  edge: TestEdge,
  path: string,
  init: RequestInit = {},
): Promise<{ code: number; response: Response; body: Accepted }> {
  const headers = { ...edge.bearer(), ...init.headers };
  const response = await fetch(`${edge.url}${path}`, { method: 'POST', body: 'order', ...init, headers });
  return { code: response.status, response, body: (await response.json()) as Accepted };
}

interface Told {
  readonly state: string;
  readonly reason?: string;
  readonly upstreamStatus?: number;
  readonly answer?: string;
  readonly attempts: number;
}

async function outcomeOf(edge: TestEdge, { status }: Accepted): Promise<Told> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const told = (await (await fetch(`${edge.url}${status}`)).json()) as Told;
    if (told.state !== 'accepted' && told.state !== 'running') return told;
    await delay(25);
  }
  throw new Error('It did not end');
}

describe('turned away at the door, and nothing is stored', () => {
  test('what the cheap checks refuse, with their status', async () => {
    const upstream = await startUpstream();
    const edge = await start(upstream);
    const now = Math.floor(Date.now() / 1000);
    const bearer = (claims: object): Record<string, string> => edge.bearer(claims);
    const cases: [string, Record<string, string>, number][] = [
      ['no token', { authorization: '' }, 401],
      ['no bearer token', { authorization: 'Basic x' }, 401],
      ['junk', { authorization: 'Bearer a.b.c' }, 401],
      ['expired', bearer({ exp: now - 100 }), 401],
      ['another issuer', bearer({ iss: 'https://elsewhere.example' }), 401],
      ['another audience', bearer({ aud: 'elsewhere' }), 401],
      ['bound to its sender', bearer({ cnf: { jkt: 'x' } }), 401],
      ['an idempotency key that is too long', { 'idempotency-key': 'x'.repeat(257) }, 400],
    ];
    for (const [name, headers, status] of cases) expect((await send(edge, '/later/1', { headers })).code, name).toBe(status);
    expect((await send(edge, '/later/1', { body: 'x'.repeat(1_048_577) })).code).toBe(413);
    expect((await send(edge, '/later//1')).code).toBe(400);
    await delay(200);
    expect(upstream.seen).toEqual([]);
  });

  test('a full queue: 429 and when to come again; others still get in', async () => {
    const upstream = await startUpstream((request, response) => void (request.url!.includes('never') || response.end('ok')));
    const limits = { entries: 8, clientShare: 1, issuerShare: 1 };
    const edge = await start(upstream, section({ limits, worker: { concurrency: 0 } }));
    for (let count = 0; count < 8; count += 1) expect((await send(edge, '/later/1')).code).toBe(202);
    const { code, response } = await send(edge, '/later/1');
    expect(code).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('the decision service does not decide about it', async () => {
    const upstream = await startUpstream();
    const decisionService = { forwardAuth: { listen: { port: 0 }, style: 'nginx' } };
    const edge = await start(upstream, section(), { decisionService });
    const url = `http://127.0.0.1:${edge.servicePorts.forwardAuth!}/`;
    const headers = { ...edge.bearer(), 'x-original-method': 'POST', 'x-original-uri': '/later/1' };
    const response = await fetch(url, { headers });
    expect([response.status, response.headers.get('txn-token')]).toEqual([403, null]);
  });
});

describe('what is accepted', () => {
  test('runs: 202 with an address, a fresh Txn-Token and a delivery id upstream, the outcome and the answer at the address', async () => {
    const bodies: string[] = [];
    const upstream = await startUpstream((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(201, { 'content-type': 'text/x-order' }).end('ördered');
      });
    });
    const edge = await start(upstream);
    const { code, response, body } = await send(edge, '/later/1?a=%20b', { headers: { 'x-colour': 'red' } });
    expect([code, response.headers.get('location'), response.headers.get('cache-control')]).toEqual([
      202,
      body.status,
      'no-store',
    ]);
    const told = await outcomeOf(edge, body);
    expect(told).toMatchObject({ state: 'done', upstreamStatus: 201, attempts: 1 });
    const answer = await fetch(`${edge.url}${told.answer!}`);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([201, 'text/x-order', 'ördered']);
    const [seen] = upstream.seen;
    expect([seen!.method, seen!.target, bodies]).toEqual(['POST', '/later/1?a=%20b', ['order']]);
    expect(valuesOf(seen!, 'x-colour')).toEqual(['red']);
    expect(valuesOf(seen!, 'authorization')).toEqual([]);
    expect(valuesOf(seen!, 'txn-token')).toHaveLength(1);
    expect(valuesOf(seen!, 'x-watchword-delivery')).toEqual([body.id]);
    expect(valuesOf(seen!, 'idempotency-key')).toEqual([body.id]);
  });

  test('the same idempotency key is one request; another request under it is a conflict', async () => {
    const upstream = await startUpstream();
    const edge = await start(upstream);
    const headers = { ...edge.bearer(), 'idempotency-key': 'order-1' };
    const first = await send(edge, '/later/1', { headers });
    const again = await send(edge, '/later/1', { headers });
    expect([again.code, again.body.id]).toEqual([202, first.body.id]);
    expect((await send(edge, '/later/1', { headers, body: 'another' })).code).toBe(422);
    await outcomeOf(edge, first.body);
    expect(upstream.seen).toHaveLength(1);
    expect(valuesOf(upstream.seen[0]!, 'idempotency-key')).toEqual(['order-1']);
  });

  test('who guesses an idempotency key learns no id and keeps nobody from his work', async () => {
    const upstream = await startUpstream();
    const edge = await start(upstream);
    const own = { ...edge.bearer({ sub: 'user-1', jti: '1' }), 'idempotency-key': 'order-1' };
    const forged = (sub: string, key: string): Record<string, string> => {
      const token = edge.issuer.token({ sub, jti: 'x' });
      const end = token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA';
      return { authorization: `Bearer ${token.slice(0, -6)}${end}`, 'idempotency-key': key };
    };
    // Another subject comes first, and again later: two requests that have nothing to do with each other.
    const intruder = await send(edge, '/later/1', {
      headers: { ...edge.bearer({ sub: 'intruder' }), 'idempotency-key': 'order-1' },
    });
    const first = await send(edge, '/later/1', { headers: own });
    expect([intruder.code, first.code]).toEqual([202, 202]);
    expect(intruder.body.id).not.toBe(first.body.id);
    // Under a forged subject: no id, neither coming second nor coming first.
    const second = await send(edge, '/later/1', { headers: forged('user-1', 'order-1') });
    expect([second.code, second.body.id, second.body.status]).toEqual([422, undefined, 422]);
    expect((await send(edge, '/later/1', { headers: forged('user-1', 'order-2') })).code).toBe(202);
    const occupied = await send(edge, '/later/1', { headers: { ...own, 'idempotency-key': 'order-2' } });
    expect(occupied.code).toBe(422);
    // Also for the owner with another token: nobody knows yet that he is the same.
    const renewed = { ...edge.bearer({ sub: 'user-1', jti: '2' }), 'idempotency-key': 'order-1' };
    expect((await send(edge, '/later/1', { headers: renewed })).code).toBe(422);
    expect((await send(edge, '/later/1', { headers: own })).body.id).toBe(first.body.id);
    expect(await outcomeOf(edge, first.body)).toMatchObject({ state: 'done' });
  });

  test('MQ-5: what is claimed together is verified together: each token once, and a bad one harms no other', async () => {
    const upstream = await startUpstream();
    const deferred = section({ worker: { concurrency: 0 } });
    const door = await start(upstream, deferred);
    const token = door.issuer.token();
    const other = door.issuer.token({ scope: 'write' });
    const forged = `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
    const accepted: Accepted[] = [];
    for (const one of [token, forged, token, other, token, forged, other, token]) {
      accepted.push((await send(door, '/later/1', { headers: { authorization: `Bearer ${one}` } })).body);
    }
    const states: string[] = [];
    const checks = await signatureChecks(async () => {
      const issuers = [door.issuer.entry];
      const worker = await startEdge(upstream.url, { routes: ROUTES, deferred: { ...deferred, worker: {} }, issuers });
      for (const one of accepted) {
        const { state, reason } = await outcomeOf(worker, one);
        states.push(reason ?? state);
      }
    });
    const [good, bad, poor] = ['done', 'signature_invalid', 'scope_insufficient'];
    expect(states).toEqual([good, bad, good, poor, good, bad, poor, good]);
    expect(upstream.seen).toHaveLength(4);
    expect(checks).toBe(3);
  });

  test('a status is told to whoever knows the id, and to nobody else', async () => {
    const edge = await start(await startUpstream());
    const { body } = await send(edge, '/later/1');
    await outcomeOf(edge, body);
    for (const path of ['x', `${body.id}x`, `${body.id}/x`, `${body.id}/answer/x`, `../${body.id}`, ''])
      expect((await fetch(`${edge.url}/.watchword/requests/${path}`)).status, path).toBe(404);
    expect((await fetch(`${edge.url}${body.status}`, { method: 'POST' })).status).toBe(405);
  });
});

describe('what was accepted and must not run', () => {
  test('forged, without the scope: refused with the reason, the upstream sees nothing', async () => {
    const upstream = await startUpstream();
    const edge = await start(upstream);
    const token = edge.issuer.token();
    const forged = `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
    const headers = { authorization: `Bearer ${forged}` };
    expect(await outcomeOf(edge, (await send(edge, '/later/1', { headers })).body)).toMatchObject({
      state: 'refused',
      reason: 'signature_invalid',
    });
    const poor = await send(edge, '/later/1', { headers: edge.bearer({ scope: 'write' }) });
    expect(await outcomeOf(edge, poor.body)).toMatchObject({ state: 'refused', reason: 'scope_insufficient' });
    expect(upstream.seen).toEqual([]);
    // Known to be bad from now on: the door itself refuses.
    expect((await send(edge, '/later/1', { headers })).code).toBe(401);
  });

  test('revoked between acceptance and run: refused; expired in between: it runs', async () => {
    const upstream = await startUpstream();
    const deferred = section({ worker: { concurrency: 0 } });
    const folder = temporaryDirectory();
    const more = { revocation: { log: { sqlite: join(folder, 'log.db') } } };
    const door = await start(upstream, deferred, more);
    const now = Math.floor(Date.now() / 1000);
    const revoked = await send(door, '/later/1', { headers: door.bearer({ jti: 'gone' }) });
    const expiring = await send(door, '/later/2', { headers: door.bearer({ jti: 'short', exp: now + 1 }) });
    const late = await send(door, '/later/3', { headers: door.bearer({ jti: 'late', exp: now + 1 }) });
    const body = JSON.stringify({ issuer: 'https://idp.example', jti: 'gone', expiresInSeconds: 600 });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${door.control}/revocations`, { method: 'POST', headers, body })).status).toBe(201);
    // By somebody who knows when the token ends, and of no deferred routes.
    const log = createSqliteRevocationLog({ path: join(folder, 'log.db') });
    await log.append({ issuer: 'https://idp.example', jti: 'late', expiresAtMs: (now + 6) * 1000 });
    await log.close();
    // Beyond its exp and the tolerance of 5 s.
    await delay(Math.max(0, (now + 6.2) * 1000 - Date.now()));
    expect((await send(door, '/later/2', { headers: door.bearer({ jti: 'short', exp: now + 1 }) })).code).toBe(401);
    const issuers = [door.issuer.entry];
    const worker = await startEdge(upstream.url, { routes: ROUTES, deferred: { ...deferred, worker: {} }, issuers, ...more });
    expect(await outcomeOf(worker, revoked.body)).toMatchObject({ state: 'refused', reason: 'token_revoked' });
    expect(await outcomeOf(worker, late.body)).toMatchObject({ state: 'refused', reason: 'token_revoked' });
    expect(await outcomeOf(worker, expiring.body)).toMatchObject({ state: 'done', upstreamStatus: 200 });
    expect(upstream.seen.map(({ target }) => target)).toEqual(['/later/2']);
  }, 30_000);

  test('S17: a revocation is remembered for as long as requests may wait', async () => {
    const more = { revocation: { log: { memory: true } } };
    const edge = await start(await startUpstream(), section(), more);
    const expiresAtMs = Date.now() + 1000;
    const body = JSON.stringify({ issuer: 'https://idp.example', jti: 'gone', expiresAtMs });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${edge.control}/revocations`, { method: 'POST', headers, body });
    // The route's maxAgeSeconds.
    expect(await response.json()).toMatchObject({ expiresAtMs: expiresAtMs + 60_000 });
  });

  test('too old to run', async () => {
    const upstream = await startUpstream();
    const deferred = section({ worker: { concurrency: 0 } });
    const routes = [{ ...ROUTES[0]!, maxAgeSeconds: 1 }];
    const door = await start(upstream, deferred, { routes });
    const { body } = await send(door, '/later/1');
    await delay(1200);
    const worker = await startEdge(upstream.url, { routes, deferred: { ...deferred, worker: {} }, issuers: [door.issuer.entry] });
    expect(await outcomeOf(worker, body)).toMatchObject({ state: 'refused', reason: 'token_too_old' });
    expect(upstream.seen).toEqual([]);
  });

  test('accepted by a route that has become stricter since: the shorter time counts; by one that became milder: its own', async () => {
    const upstream = await startUpstream();
    const deferred = section({ worker: { concurrency: 0 } });
    const routesOf = (later: number, soon: number): object[] => [
      { ...ROUTES[0]!, maxAgeSeconds: later },
      { ...ROUTES[0]!, path: '/soon/*', maxAgeSeconds: soon },
    ];
    const door = await start(upstream, deferred, { routes: routesOf(3600, 1) });
    const [strict, soon] = [await send(door, '/later/1'), await send(door, '/soon/1')];
    await delay(1200);
    const routes = routesOf(1, 3600);
    const worker = await startEdge(upstream.url, { routes, deferred: { ...deferred, worker: {} }, issuers: [door.issuer.entry] });
    for (const { body } of [strict, soon]) {
      expect(await outcomeOf(worker, body)).toMatchObject({ state: 'refused', reason: 'token_too_old' });
    }
    expect(upstream.seen).toEqual([]);
  });

  test('with the secret of somebody else: refused, whatever stands in the store', async () => {
    const upstream = await startUpstream();
    const deferred = section({ worker: { concurrency: 0 } }) as { sealKeyFile: string };
    const door = await start(upstream, deferred);
    const { body } = await send(door, '/later/1');
    writeFileSync(deferred.sealKeyFile, randomBytes(32).toString('base64'));
    const issuers = [door.issuer.entry];
    const worker = await startEdge(upstream.url, { routes: ROUTES, deferred: { ...deferred, worker: {} }, issuers });
    expect(await outcomeOf(worker, body)).toMatchObject({ state: 'refused', reason: 'receipt_invalid' });
    expect(upstream.seen).toEqual([]);
  });
});

describe('when things fail', () => {
  test('an upstream that is away for a while: tried again with the same id, until it is done', async () => {
    let calls = 0;
    const upstream = await startUpstream((request, response) => {
      request.resume();
      calls += 1;
      response.writeHead(calls < 3 ? 503 : 200).end('ok');
    });
    const edge = await start(upstream);
    const { body } = await send(edge, '/later/1');
    expect(await outcomeOf(edge, body)).toMatchObject({ state: 'done', upstreamStatus: 200, attempts: 3 });
    expect(new Set(upstream.seen.flatMap((seen) => valuesOf(seen, 'x-watchword-delivery')))).toEqual(new Set([body.id]));
  }, 20_000);

  test('a reload that brings another key for the seal: what was accepted before and afterwards runs', async () => {
    const upstream = await startUpstream();
    const deferred = section() as { sealKeyFile: string };
    const edge = await start(upstream, deferred);
    const before = await send(edge, '/later/1');
    const [old, fresh] = [readFileSync(deferred.sealKeyFile, 'utf8'), randomBytes(32).toString('base64')];
    writeFileSync(deferred.sealKeyFile, `${fresh}\n${old}`);
    await edge.reload(
      createConfig({
        listen: { port: 0 },
        control: { port: 0 },
        issuers: [edge.issuer.entry],
        txnToken: { trustDomain: 'inside.example' },
        upstreams: { main: { url: upstream.url } },
        routes: ROUTES,
        deferred,
      }),
    );
    const afterwards = await send(edge, '/later/2');
    expect(await outcomeOf(edge, before.body)).toMatchObject({ state: 'done' });
    expect(await outcomeOf(edge, afterwards.body)).toMatchObject({ state: 'done' });
  });

  test('a restart loses nothing', async () => {
    const upstream = await startUpstream();
    const deferred = section({ worker: { concurrency: 0 } });
    const door = await start(upstream, deferred);
    const sent = await Promise.all(Array.from({ length: 30 }, (_, index) => send(door, `/later/${index}`)));
    expect(sent.every(({ code }) => code === 202)).toBe(true);
    await door.close();
    const issuers = [door.issuer.entry];
    const worker = await startEdge(upstream.url, { routes: ROUTES, deferred: { ...deferred, worker: {} }, issuers });
    for (const { body } of sent) expect(await outcomeOf(worker, body)).toMatchObject({ state: 'done' });
    expect(new Set(upstream.seen.map(({ target }) => target)).size).toBe(30);
    expect(upstream.seen).toHaveLength(30);
  });
});

describe('E13: configuration', () => {
  const base = {
    issuers: [{ issuer: 'https://idp.example', audience: 'a', algorithms: ['ES256'], jwksUrl: 'https://idp.example/jwks' }],
    txnToken: { trustDomain: 'inside.example' },
    upstreams: { main: { url: 'http://127.0.0.1:1' } },
  };
  const route = { path: '/', upstream: 'main', verification: 'deferred' };
  const deferred = { sealKeyFile: 'secret' };
  test.each<[string, object, string]>([
    ['without the section', { routes: [route] }, 'needs the section deferred'],
    ['public', { routes: [{ ...route, public: true }], deferred }, 'a public route verifies nothing'],
    ['a stream', { routes: [{ ...route, stream: true }], deferred }, 'the client takes part'],
    [
      'an age without it',
      { routes: [{ path: '/', upstream: 'main', maxAgeSeconds: 5 }], deferred },
      'goes with verification: deferred',
    ],
    [
      'a status path with a slash at the end',
      { routes: [route], deferred: { ...deferred, statusPath: '/x/' } },
      'plain segments',
    ],
    ['without a secret', { routes: [route], deferred: {} }, 'deferred.sealKeyFile: is required'],
  ])('%s', (_name, more, reason) => {
    expect(() => createConfig({ ...base, ...more })).toThrow(reason);
  });
});
