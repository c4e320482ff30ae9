import { request as httpRequest } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { startEdge } from '../support/edge.ts';
import { ISSUER } from '../support/identity-provider.ts';
import { byJti, startRevokingEdge } from '../support/revoking.ts';
import { startUpstream } from '../support/upstream.ts';

const MEMORY = { memory: true };

describe('POST /revocations refuses', () => {
  const good = { issuer: ISSUER, jti: 'a', expiresInSeconds: 60 };
  const CASES: [name: string, body: unknown, detail: string][] = [
    ['what is not JSON', '{', 'not JSON'],
    ['what is no object', '[]', 'revocation: must be an object'],
    ['null', 'null', 'revocation: must be an object'],
    ['no target', { ...good, jti: undefined }, 'give exactly one of jti, sid, sub, kid'],
    ['two targets', { ...good, kid: 'k' }, 'give exactly one of jti, sid, sub, kid'],
    ['an empty id', { ...good, jti: '' }, 'revocation.jti: must be a non-empty string'],
    ['a subject without a time', { ...good, jti: undefined, sub: 'user-1' }, 'revocation.issuedBefore'],
    ['a time without a subject', { ...good, issuedBefore: 1 }, 'issuedBefore: goes with sub only'],
    ['milliseconds for seconds', { ...good, jti: undefined, sub: 'user-1', issuedBefore: Date.now() }, 'must be in seconds'],
    ['no expiry', { issuer: ISSUER, jti: 'a' }, 'revocation.expiresAtMs'],
    ['two expiries', { ...good, expiresAtMs: 9e15 }, 'not both'],
    ['seconds for milliseconds', { issuer: ISSUER, jti: 'a', expiresAtMs: Math.floor(Date.now() / 1000) + 60 }, 'in the past'],
    ['an expiry of zero', { ...good, expiresInSeconds: 0 }, 'expiresInSeconds: must be a number'],
    ['a word as expiry', { ...good, expiresInSeconds: '60' }, 'expiresInSeconds: must be a number'],
    ['a slip in the issuer', { ...good, issuer: `${ISSUER}/` }, 'issuer: is neither'],
    ['unknown members', { ...good, reason: 'x' }, 'revocation.reason: unknown option'],
    ['__proto__', `{"__proto__": {"jti": "a"}, "issuer": "${ISSUER}", "expiresInSeconds": 60}`, 'unknown option'],
  ];
  test('every malformed revocation, with 400 and the member', async () => {
    const edge = await startRevokingEdge(MEMORY);
    for (const [name, body, detail] of CASES) {
      const response = await edge.revoke(body);
      expect(response.status, name).toBe(400);
      expect(response.headers.get('content-type'), name).toBe('application/problem+json');
      expect(response.headers.get('cache-control'), name).toBe('no-store');
      expect((await response.json()) as object, name).toMatchObject({ status: 400, detail: expect.stringContaining(detail) });
    }
    expect(await edge.metrics()).toContain('watchword_revocation_entries 0\n');
  });

  test('what is not JSON by its type (415), too long (413), not UTF-8 (400), another method (405)', async () => {
    const edge = await startRevokingEdge(MEMORY);
    const text = JSON.stringify(good);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json5', '']) {
      expect((await edge.revoke(text, { 'content-type': type })).status, type).toBe(415);
    }
    expect((await edge.revoke(JSON.stringify({ ...good, jti: 'x'.repeat(200_000) }))).status).toBe(413);
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const type = { 'content-type': 'application/json' };
    expect((await fetch(`${edge.control}/revocations`, { method: 'POST', headers: type, body: bytes })).status).toBe(400);
    const get = await fetch(`${edge.control}/revocations`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await edge.revoke(text, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(201);
  });

  test('web pages: by Origin, by Sec-Fetch-Site, by a name that was made to point here', async () => {
    const edge = await startRevokingEdge(MEMORY);
    const post = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const options = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
        httpRequest(`${edge.control}/revocations`, options, (response) => {
          response.resume();
          resolve(response.statusCode!);
        })
          .on('error', reject)
          .end(JSON.stringify(good));
      });
    for (const headers of [
      { origin: 'https://intruder.example' },
      { origin: 'null' },
      { origin: edge.control },
      { 'sec-fetch-site': 'same-origin' },
      { host: 'intruder.example' },
      { host: `intruder.example:${edge.controlPort}` },
      { host: 'localhost.intruder.example' },
      { host: '127.0.0.1.intruder.example' },
    ]) {
      expect(await post(headers), JSON.stringify(headers)).toBe(403);
    }
    expect(await edge.metrics()).toContain('watchword_revocation_entries 0\n');
    for (const host of ['localhost', `LOCALHOST:${edge.controlPort}`, '127.0.0.1', '[::1]:9090']) {
      expect(await post({ host }), host).toBe(201);
    }
  });

  test('where nothing can be revoked, and where clients connect: 404', async () => {
    const edge = await startEdge((await startUpstream()).url);
    expect((await fetch(`${edge.control}/revocations`, { method: 'POST' })).status).toBe(404);
    const revoking = await startRevokingEdge(MEMORY);
    expect((await fetch(`${revoking.url}/revocations`, { method: 'POST' })).status).toBe(404);
  });
});

describe('POST /revocations', () => {
  test('D7: revokes by token, session, subject and key; the next request is refused, cached or not', async () => {
    const edge = await startRevokingEdge(MEMORY);
    const now = Math.floor(Date.now() / 1000);
    const tokens = {
      jti: edge.issuer.token({ jti: 'id-1' }),
      sid: edge.issuer.token({ jti: 'id-2', sid: 'session-1' }),
      sub: edge.issuer.token({ jti: 'id-3', sub: 'user-3', iat: now - 5 }),
      newer: edge.issuer.token({ jti: 'id-4', sub: 'user-3', iat: now }),
    };
    const statuses = async (): Promise<number[]> => Promise.all(Object.values(tokens).map((token) => edge.call(token)));
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    const answer = await edge.revoke(byJti('id-1'));
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({ issuer: ISSUER, jti: 'id-1', expiresAtMs: expect.any(Number) });
    expect(await statuses()).toEqual([401, 200, 200, 200]);
    await edge.revoke({ issuer: ISSUER, sid: 'session-1', expiresAtMs: Date.now() + 3_600_000 });
    expect(await statuses()).toEqual([401, 401, 200, 200]);
    await edge.revoke({ issuer: ISSUER, sub: 'user-3', issuedBefore: now - 1, expiresInSeconds: 3600 });
    expect(await statuses()).toEqual([401, 401, 401, 200]);
    await edge.revoke({ issuer: ISSUER, kid: 'k1', expiresInSeconds: 3600 });
    expect(await statuses()).toEqual([401, 401, 401, 401]);
    expect(edge.logs.find(({ code }) => code === 'token_revoked')).toMatchObject({ status: 401, route: '/strict/*' });
  });

  test('the trust domain of the Txn-Tokens is an issuer too', async () => {
    const edge = await startRevokingEdge(MEMORY);
    expect((await edge.revoke({ issuer: 'inside.example', jti: 'x', expiresInSeconds: 60 })).status).toBe(201);
  });

  test('E12: it is logged and counted, without the id', async () => {
    const canary = 'CANARY7f3a';
    const edge = await startRevokingEdge(MEMORY);
    for (const target of ['jti', 'sid', 'kid']) await edge.revoke({ issuer: ISSUER, [target]: canary, expiresInSeconds: 60 });
    await edge.revoke({ issuer: canary, jti: canary, expiresInSeconds: 60 });
    await edge.revoke({ issuer: ISSUER, jti: canary, expiresInSeconds: canary });
    expect(edge.logs.filter(({ msg }) => msg === 'revoked').map(({ issuer, target }) => [issuer, target])).toEqual([
      [ISSUER, 'jti'],
      [ISSUER, 'sid'],
      [ISSUER, 'kid'],
    ]);
    const metrics = await edge.metrics();
    expect(JSON.stringify(edge.logs) + metrics).not.toContain(canary);
    for (const line of ['entries 3', 'owed 0', 'snapshots_total 1', 'failures_total 0', 'stale_accepted_total 0']) {
      expect(metrics.split('\n')).toContain(`watchword_revocation_${line}`);
    }
    expect(metrics).toMatch(/^watchword_revocation_lag_seconds 0(\.\d+)?$/m);
    expect(metrics).toMatch(/^watchword_revocation_bytes \d+$/m);
  });

  test('a client that sends its body slowly, or leaves, harms nobody', async () => {
    const edge = await startRevokingEdge(MEMORY);
    const request = httpRequest(`${edge.control}/revocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 1000 },
    });
    request.on('error', () => {});
    request.write('{');
    await vi.waitUntil(() => request.socket !== null);
    request.destroy();
    expect((await edge.revoke(byJti('id-1'))).status).toBe(201);
  });
});
