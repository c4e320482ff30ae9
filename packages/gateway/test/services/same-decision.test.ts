/** S22: one request, every door of ours: the same answer, or a refusal where the door cannot say it. */
import { describe, expect, test } from 'vitest';
import { startEdge } from '../support/edge.ts';
import { createEnvoyClient } from '../support/envoy-client.ts';
import { freePort } from '../support/front-door.ts';
import { PATHS } from '../support/path-variants.ts';
import { rawGet, sendRaw } from '../support/raw.ts';
import { startUpstream } from '../support/upstream.ts';

const HTTP_STATUS: Record<string, number> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
};

async function startAll(style: string) {
  const backend = await startUpstream();
  const edge = await startEdge(backend.url, {
    decisionService: { extAuthz: { listen: { port: 0 } }, forwardAuth: { style, listen: { port: 0 } } },
  });
  return { backend, edge, envoy: createEnvoyClient(edge.servicePorts.extAuthz!), forward: edge.servicePorts.forwardAuth! };
}

describe('S22, E6: the path matrix', () => {
  test(`there are at least 200 paths: ${PATHS.length}`, () => expect(PATHS.length).toBeGreaterThanOrEqual(200));

  for (const style of ['nginx', 'caddy']) {
    test(`gateway, ext_authz and forward auth (${style}) decide the same`, async () => {
      const { backend, edge, envoy, forward } = await startAll(style);
      let allowed = 0;
      for (const path of PATHS) {
        for (const fields of [[], [`Authorization: ${edge.bearer().authorization!}`]]) {
          backend.seen.length = 0;
          const own = await sendRaw(edge.port, Buffer.from(rawGet(path, fields), 'utf8'));
          if (own.status === 200) {
            allowed += 1;
            expect(backend.seen[0]!.target).toBe(path);
          }
          const checked = await envoy.check({
            path,
            fields: fields.flatMap((field) => field.replace(/^\w+/, 'authorization').split(': ')),
          });
          expect(checked.http_response === 'ok_response' ? 200 : HTTP_STATUS[checked.denied_response!.status.code], path).toBe(
            own.status,
          );
          const names =
            style === 'nginx'
              ? [`X-Original-URI: ${path}`, 'X-Original-Method: GET']
              : [`X-Forwarded-Uri: ${path}`, 'X-Forwarded-Method: GET', 'X-Forwarded-Host: api.example'];
          const asked = await sendRaw(forward, Buffer.from(rawGet('/', [...fields, ...names]), 'utf8'));
          const told =
            asked.status === 401 || style === 'caddy'
              ? asked.status
              : Number(/x-watchword-status: (\d+)/i.exec(asked.text)?.[1] ?? asked.status);
          // Blanks around a value are not part of it: such a path arrives without them, and is refused or another one.
          if (path === path.trim()) expect(told, path).toBe(own.status);
        }
      }
      expect(allowed).toBeGreaterThan(10);
    });
  }
});

describe('forward auth: what the proxy says', () => {
  const ASK = ['X-Original-URI: /public/x', 'X-Original-Method: GET'];

  test('E5: a proxy that does not name the request, or names two, gets no yes', async () => {
    const { forward } = await startAll('nginx');
    expect((await sendRaw(forward, rawGet('/public/x', ASK))).status).toBe(200);
    for (const fields of [
      [],
      [ASK[0]!],
      [ASK[1]!],
      [...ASK, ASK[0]!],
      ['X-Forwarded-Uri: /public/x', 'X-Forwarded-Method: GET'],
    ]) {
      expect((await sendRaw(forward, rawGet('/public/x', fields))).status, fields.join()).toBe(403);
    }
  });

  test('XA-7: nginx hears 200, 401 and 403 only, and the true status beside it', async () => {
    const { forward, edge } = await startAll('nginx');
    const statusFor = async (target: string, ...fields: string[]): Promise<[number, string | undefined]> => {
      const { status, text } = await sendRaw(
        forward,
        rawGet('/', [`X-Original-URI: ${target}`, 'X-Original-Method: POST', ...fields]),
      );
      expect(text).toMatch(/^cache-control: no-store/im);
      return [status, /^x-watchword-status: (\d+)/im.exec(text)?.[1]];
    };
    expect(await statusFor('/api/x')).toEqual([401, undefined]);
    expect(await statusFor('/none')).toEqual([403, '404']);
    expect(await statusFor('/read', `Authorization: ${edge.bearer().authorization!}`)).toEqual([403, '405']);
    expect(await statusFor('/public/..')).toEqual([403, '400']);
    expect(await statusFor('/public/x', 'X-User: root')).toEqual([403, '400']);
  });

  test('D11, XA-9: the Txn-Token is in an answer that nobody stores', async () => {
    const { forward, edge } = await startAll('traefik');
    const fields = [
      'X-Forwarded-Uri: /api/x',
      'X-Forwarded-Method: GET',
      'X-Forwarded-Host: a',
      `Authorization: ${edge.bearer().authorization!}`,
    ];
    const { status, text, body } = await sendRaw(forward, rawGet('/', fields));
    expect([status, body]).toEqual([200, '']);
    expect(text).toMatch(/^txn-token: [\w-]+\.[\w-]+\.[\w-]+\r$/im);
    expect(text).toMatch(/^cache-control: no-store\r$/im);
  });

  test('whoever is no trusted proxy is cut off', async () => {
    const service = { trustedProxies: ['192.0.2.0/24'], forwardAuth: { style: 'caddy', listen: { port: 0 } } };
    const edge = await startEdge('http://127.0.0.1:9', { decisionService: service });
    expect((await sendRaw(edge.servicePorts.forwardAuth!, rawGet('/'))).status).toBe(0);
  });
});

test('threads: each of them decides, on the same ports', async () => {
  const backend = await startUpstream();
  const [authz, forward] = [await freePort(), await freePort()];
  const edge = await startEdge(backend.url, {
    threads: 2,
    decisionService: { extAuthz: { listen: { port: authz } }, forwardAuth: { style: 'nginx', listen: { port: forward } } },
  });
  expect(edge.servicePorts).toEqual({ extAuthz: authz, forwardAuth: forward });
  const envoy = createEnvoyClient(authz);
  expect((await envoy.check({ path: '/public/x' })).http_response).toBe('ok_response');
  for (let asked = 0; asked < 8; asked += 1) {
    const { status } = await sendRaw(forward, rawGet('/', ['X-Original-URI: /public/x', 'X-Original-Method: GET']));
    expect(status).toBe(200);
  }
  expect(await edge.metrics()).toContain('watchword_decisions_total{service="forward_auth",result="allowed"} 8');
});
