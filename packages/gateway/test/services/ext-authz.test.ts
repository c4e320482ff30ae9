/** Envoy's external authorization, asked by a client that knows only Envoy's own .proto files. */
import { connect } from 'node:net';
import { connect as connectHttp2 } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { type EnvoyRequest, checkRequest, createEnvoyClient, encodeCheck, upstreamFields } from '../support/envoy-client.ts';
import { amount, freshSeed } from '../../../core/test/support/campaign.ts';
import { createServer } from 'node:http';
import { NAMES, VARIANTS } from '../support/header-matrix.ts';
import { mutate } from '../support/mutate.ts';
import { SeededRandom } from '../../../core/test/support/seeded-random.ts';

const ROUTES = [
  { path: '/public/*', public: true },
  { path: '/api/*' },
  { path: '/admin/*', scopes: ['admin'] },
  { path: '/read', methods: ['GET'], scopes: ['read'] },
];

async function startService(overrides: Record<string, unknown> = {}) {
  const edge = await startEdge('http://127.0.0.1:9', {
    upstreams: {},
    routes: ROUTES,
    decisionService: { extAuthz: { listen: { port: 0 } } },
    ...overrides,
  });
  return { edge, envoy: createEnvoyClient(edge.servicePorts.extAuthz!) };
}

const bearer = (edge: TestEdge, claims: object = {}): string[] => ['authorization', edge.bearer(claims).authorization!];

describe('XA-4: what is refused', () => {
  const CASES: [name: string, request: (edge: TestEdge) => EnvoyRequest, grpc: number, http: string][] = [
    ['no token', () => ({}), status.UNAUTHENTICATED, 'Unauthorized'],
    ['a bad token', () => ({ fields: ['authorization', 'Bearer a.b.c'] }), status.UNAUTHENTICATED, 'Unauthorized'],
    ['an expired token', (edge) => ({ fields: bearer(edge, { exp: 1000 }) }), status.UNAUTHENTICATED, 'Unauthorized'],
    ['a missing scope', (edge) => ({ path: '/admin/x', fields: bearer(edge) }), status.PERMISSION_DENIED, 'Forbidden'],
    ['no route', (edge) => ({ path: '/elsewhere', fields: bearer(edge) }), status.NOT_FOUND, 'NotFound'],
    [
      'a wrong method',
      (edge) => ({ method: 'POST', path: '/read', fields: bearer(edge) }),
      status.UNIMPLEMENTED,
      'MethodNotAllowed',
    ],
    ['E6: a path in disguise', () => ({ path: '/public/../admin/x' }), status.INVALID_ARGUMENT, 'BadRequest'],
    ['E8: a host that is none', () => ({ path: '/public/x', host: 'a b' }), status.INVALID_ARGUMENT, 'BadRequest'],
    ['E4: two tokens', (edge) => ({ fields: [...bearer(edge), ...bearer(edge)] }), status.INVALID_ARGUMENT, 'BadRequest'],
    [
      'E4: two tokens, joined',
      (edge) => ({ raw: false, fields: [...bearer(edge), ...bearer(edge)] }),
      status.INVALID_ARGUMENT,
      'BadRequest',
    ],
    [
      'E4: two Txn-Tokens',
      () => ({ path: '/public/x', fields: ['txn-token', 'a', 'txn_token', 'b'] }),
      status.INVALID_ARGUMENT,
      'BadRequest',
    ],
    ['no path', () => ({ path: '' }), status.INVALID_ARGUMENT, 'BadRequest'],
  ];
  for (const [name, request, grpc, http] of CASES) {
    test(`${name}: ${http}`, async () => {
      const { edge, envoy } = await startService();
      const answer = await envoy.check(request(edge));
      expect(answer.http_response).toBe('denied_response');
      expect(answer.status!.code).toBe(grpc);
      expect(answer.denied_response!.status.code).toBe(http);
      const headers = new Map(answer.denied_response!.headers.map(({ header }) => [header.key, header.value]));
      expect(headers.get('cache-control')).toBe('no-store');
      expect(JSON.parse(answer.denied_response!.body)).toHaveProperty('title');
      if (http === 'Unauthorized') expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="watchword"/);
      if (http === 'Forbidden') expect(headers.get('www-authenticate')).toContain('scope="admin"');
      if (http === 'MethodNotAllowed') expect(headers.get('allow')).toBe('GET, HEAD');
    });
  }

  test('keys that cannot be had: 503 in a denied answer, so that failure_mode_allow lets nobody in (ER-4)', async () => {
    const issuer = { issuer: 'https://idp.example', audience: 'a', algorithms: ['ES256'] };
    const { edge, envoy } = await startService({
      issuers: [{ ...issuer, jwksUrl: 'http://127.0.0.1:9/jwks', allowInsecure: true, audience: 'https://api.example' }],
    });
    const answer = await envoy.check({ fields: bearer(edge) });
    expect(answer.status!.code).toBe(status.UNAVAILABLE);
    expect(answer.denied_response!.status.code).toBe('ServiceUnavailable');
  });

  test('bytes that are no CheckRequest, or one of two requests', async () => {
    const { envoy } = await startService();
    const good = { attributes: { request: { http: { method: 'GET', path: '/public/x', host: 'a' } } } };
    expect((await envoy.send(good)).http_response).toBe('ok_response');
    expect((await envoy.send({})).denied_response!.status.code).toBe('BadRequest');
    const http = (path: string): Buffer => {
      const field = (number: number, content: Buffer): Buffer =>
        Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
      const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));
      return field(1, field(4, field(2, Buffer.concat([text(2, 'GET'), text(4, path), text(5, 'a')]))));
    };
    const codeOf = (answer: Buffer): number => answer[3]!;
    expect((await envoy.sendBytes(http('/public/x'))).subarray(0, 2)).toEqual(Buffer.from([10, 0]));
    expect(codeOf(await envoy.sendBytes(Buffer.concat([http('/public/x'), http('/admin/x')])))).toBe(status.INVALID_ARGUMENT);
    expect(codeOf(await envoy.sendBytes(Buffer.from([0xff])))).toBe(status.INVALID_ARGUMENT);
  });
});

describe('XA-3: what is allowed', () => {
  for (const raw of [true, false]) {
    test(`the external token is swapped, ${raw ? 'header_map' : 'headers'}`, async () => {
      const { edge, envoy } = await startService();
      const request = { raw, fields: [...bearer(edge), 'x-kept', 'yes', 'txn-token', 'forged.by.client'] };
      const answer = await envoy.check(request);
      expect(answer.status!.code).toBe(0);
      expect(answer.ok_response!.headers.map(({ header, append }) => [header.key, append!.value])).toEqual([
        ['txn-token', false],
      ]);
      const sent = upstreamFields(request, answer)!;
      expect(sent.slice(0, 3)).toEqual(['x-kept', 'yes', 'txn-token']);
      expect(sent).toHaveLength(4);
      expect(decodePart(sent[3]!, 0)).toMatchObject({ typ: 'txntoken+jwt' });
      expect(decodePart(sent[3]!, 1)).toMatchObject({ sub: 'user-1', aud: 'inside.example' });
    });
  }

  test('D11: the answer to the client is not stored for the next one', async () => {
    const { edge, envoy } = await startService();
    const added = (await envoy.check({ fields: bearer(edge) })).ok_response!.response_headers_to_add;
    expect(added.map(({ header, append, append_action }) => [header.key, header.value, append?.value, append_action])).toEqual([
      ['vary', 'authorization', true, 'APPEND_IF_EXISTS_OR_ADD'],
      ['cache-control', 'no-store', undefined, 'ADD_IF_ABSENT'],
    ]);
    expect((await envoy.check({ path: '/public/x' })).ok_response!.response_headers_to_add).toEqual([]);
  });

  test('XA-5: on a public route nothing of the client survives that a backend may believe', async () => {
    const { edge, envoy } = await startService();
    const forged = ['txn-token', 'a', 'x-user', 'b', 'x_user_id', 'c', 'x-watchword-subject', 'd', 'proxy-authorization', 'e'];
    const request = {
      path: '/public/x',
      fields: [...bearer(edge), ...forged, 'x-forwarded-for', '10.0.0.1', 'x-envoy-peer', 'f'],
    };
    const sent = upstreamFields(request, await envoy.check(request))!;
    expect(sent).toEqual(['x-forwarded-for', '10.0.0.1', 'x-envoy-peer', 'f']);
  });

  test('counts by service and result, and removed Txn-Tokens', async () => {
    const { edge, envoy } = await startService();
    await envoy.check({ fields: bearer(edge) });
    await envoy.check({});
    await envoy.check({ path: '/public/x', fields: ['txn-token', 'a'] });
    const metrics = await edge.metrics();
    expect(metrics).toContain('watchword_decisions_total{service="ext_authz",result="allowed"} 2');
    expect(metrics).toContain('watchword_decisions_total{service="ext_authz",result="denied"} 1');
    expect(metrics).toContain('watchword_removed_txn_tokens_total 1');
    expect(metrics).toContain('watchword_refusals_total{code="token_missing"} 1');
  });

  test('a route for decisions only is none for the proxy of the gateway', async () => {
    const { edge } = await startService();
    expect((await fetch(`${edge.url}/api/x`, { headers: edge.bearer() })).status).toBe(404);
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(404);
  });
});

describe('S22, E2, E3: the header matrix through ext_authz', () => {
  test('720 spellings, public and not, headers and header_map: nothing survives', async () => {
    const { edge, envoy } = await startService();
    const token = bearer(edge);
    let cases = 0;
    for (const path of ['/public/x', '/api/x', '/read'])
      for (const name of NAMES)
        for (const [variant, spell] of Object.entries(VARIANTS)) {
          cases += 1;
          // Envoy has lower-case names only.
          const request = { path, raw: cases % 2 === 0, fields: [...token, spell(name).toLowerCase(), 'forged-by-client'] };
          const sent = upstreamFields(request, await envoy.check(request));
          expect(JSON.stringify(sent ?? []), `${name}, ${variant}`).not.toContain('forged-by-client');
          expect(sent ?? [], `${name}, ${variant}`).not.toContain('authorization');
        }
    expect(cases).toBe(720);
  });
});

describe('who asks, and how', () => {
  test('E5: whoever is no trusted proxy is cut off', async () => {
    const { edge } = await startService({
      decisionService: { trustedProxies: ['10.0.0.0/8'], extAuthz: { listen: { port: 0 } } },
    });
    const socket = connect(edge.servicePorts.extAuthz!, '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.on('close', resolve));
    expect(await edge.metrics()).toContain('watchword_decision_untrusted_connections_total{service="ext_authz"} 1');
  });

  test('XA-1: the deadline of the proxy ends the call, and nothing else', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const keys = { jwksUrl: `http://127.0.0.1:${port}/jwks`, allowInsecure: true };
    const { edge, envoy } = await startService({
      issuers: [{ issuer: 'https://idp.example', audience: 'https://api.example', algorithms: ['ES256'], ...keys }],
    });
    await expect(envoy.check({ fields: bearer(edge) }, 200)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect((await envoy.check({ path: '/public/x' })).http_response).toBe('ok_response');
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });

  test('closing: a connection that a proxy keeps open does not hold it up', async () => {
    const { edge, envoy } = await startService({ limits: { shutdownTimeoutMs: 60_000 } });
    await envoy.check({ path: '/public/x' });
    const startMs = performance.now();
    await edge.close();
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await expect(envoy.check({ path: '/public/x' })).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  test('E14: a token with bytes outside ASCII is refused, whether Envoy sends the bytes or what it makes of them', async () => {
    const { edge, envoy } = await startService();
    const [name, value] = bearer(edge) as [string, string];
    for (const raw of [true, false]) {
      for (const bytes of ['\xff', '\x80', '\xc3\xa9', '!']) {
        const answer = await envoy.check({ raw, fields: [name, `${value}${bytes}`] });
        expect(answer.denied_response?.status.code, JSON.stringify(bytes)).toBe('Unauthorized');
      }
    }
  });

  test('gRPC health: serving, by name too; another name is not found', async () => {
    const { edge } = await startService();
    const ask = (message: Buffer): Promise<{ grpc: string; body: Buffer }> =>
      new Promise((resolve, reject) => {
        const session = connectHttp2(`http://127.0.0.1:${edge.servicePorts.extAuthz!}`);
        const prefix = Buffer.from([0, 0, 0, 0, message.length]);
        const call = session.request({
          ':method': 'POST',
          ':path': '/grpc.health.v1.Health/Check',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        let grpc = '';
        const body: Buffer[] = [];
        call.on('response', (headers) => (grpc = String(headers['grpc-status'] ?? '')));
        call.on('trailers', (headers) => (grpc = String(headers['grpc-status'])));
        call.on('data', (chunk: Buffer) => body.push(chunk));
        call.on('error', reject);
        call.on('close', () => {
          session.close();
          resolve({ grpc, body: Buffer.concat(body) });
        });
        call.end(Buffer.concat([prefix, message]));
      });
    const named = (name: string): Buffer => Buffer.concat([Buffer.from([10, name.length]), Buffer.from(name)]);
    expect(await ask(Buffer.alloc(0))).toEqual({ grpc: '0', body: Buffer.from([0, 0, 0, 0, 2, 8, 1]) });
    expect((await ask(named('envoy.service.auth.v3.Authorization'))).grpc).toBe('0');
    expect((await ask(named('other'))).grpc).toBe('5');
  });

  test(
    `F4: mutated messages and frames never end the service (${amount(2000, 200_000)})`,
    async () => {
      const { edge, envoy } = await startService();
      const seed = new SeededRandom(freshSeed());
      const random = () => seed.next();
      const encoded = encodeCheck(checkRequest({ fields: ['txn-token', 'a', 'x-a', 'b'], path: '/public/x' }));
      const rounds = amount(2000, 200_000);
      for (let done = 0; done < rounds; done += 50) {
        const results = await Promise.allSettled(Array.from({ length: 50 }, () => envoy.sendBytes(mutate(encoded, random))));
        for (const result of results) expect(result.status, `WATCHWORD_SEED=${seed.seed}`).toBe('fulfilled');
      }
      // Frames of HTTP/2, and of gRPC, that are none.
      const session = Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
        Buffer.from([0, 0, 5, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0]),
      ]);
      for (let done = 0; done < rounds / 20; done += 1) {
        const socket = connect(edge.servicePorts.extAuthz!, '127.0.0.1');
        socket.on('error', () => {});
        await new Promise<void>((resolve) => socket.on('connect', resolve));
        await new Promise<void>((resolve) => socket.end(mutate(session, random), () => resolve()));
        socket.destroy();
      }
      expect((await envoy.check({ path: '/public/x' })).http_response).toBe('ok_response');
    },
    amount(30_000, 1_800_000),
  );
});

function decodePart(token: string, part: number): object {
  return JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString()) as object;
}
