import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { type SigningKey, generateSigningKey, signJws } from '@watchword/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startEdge } from './support/edge.ts';
import { accessTokenClaims, temporaryDirectory } from './support/identity-provider.ts';
import { startUpstream } from './support/upstream.ts';

interface Provider {
  readonly issuer: string;
  readonly asked: string[];
  token(claims?: object): string;
}

/** An issuer that is found by discovery and publishes a status list in which the second and fourth token are not valid. */
async function startProvider(): Promise<Provider> {
  const key = generateSigningKey('ES256', 'k1');
  const asked: string[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push(request.url!);
    const pages: Record<string, () => string> = {
      '/.well-known/openid-configuration': () => JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }),
      '/keys': () => JSON.stringify({ keys: [key.publicJwk()] }),
      '/status/1': () => statusList(`${issuer}/status/1`, issuer, key),
    };
    const page = pages[request.url!];
    const type = request.url!.startsWith('/status/') ? 'application/statuslist+jwt' : 'application/json';
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': type }).end(page?.());
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = (claims = {}): string =>
    signJws(Buffer.from(JSON.stringify({ ...accessTokenClaims(claims), iss: issuer })), { typ: 'at+jwt' }, key);
  return { issuer, asked, token };
}

function statusList(uri: string, issuer: string, key: SigningKey): string {
  const now = Math.floor(Date.now() / 1000);
  const lst = deflateSync(Buffer.from([0b0000_1010])).toString('base64url');
  const claims = { iss: issuer, sub: uri, iat: now, exp: now + 600, ttl: 300, status_list: { bits: 1, lst } };
  return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'statuslist+jwt' }, key);
}

async function call(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/api/x`, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}

describe('an issuer found by discovery, with status lists', () => {
  test('SL-6: invalid tokens are refused, valid ones pass, addresses of others are never asked', async () => {
    const provider = await startProvider();
    const { issuer, token } = provider;
    const entry = { issuer, audience: 'https://api.example', algorithms: ['ES256'], discovery: 'oidc', allowInsecure: true };
    const statusLists = { uris: [`${issuer}/status/`], required: true };
    const edge = await startEdge((await startUpstream()).url, { issuers: [{ ...entry, statusLists }] });
    const at = (idx: number, uri = `${issuer}/status/1`): object => ({ status: { status_list: { idx, uri } } });
    const statuses = await Promise.all([0, 1, 2, 3].map((idx) => call(edge.url, token({ jti: `id-${idx}`, ...at(idx) }))));
    expect(statuses).toEqual([200, 401, 200, 401]);
    expect(await call(edge.url, token({ jti: 'none' }))).toBe(401);
    expect(await call(edge.url, token({ jti: 'other', ...at(0, `${issuer}/elsewhere`) }))).toBe(401);
    expect(provider.asked.filter((path) => path.startsWith('/status'))).toEqual(['/status/1']);
    expect(provider.asked).not.toContain('/elsewhere');
    const metrics = (await edge.metrics()).split('\n');
    for (const line of ['status_lists', 'status_list_fetches_total', 'key_fetches_total', 'keys']) {
      expect(metrics).toContain(`watchword_${line}{issuer="${issuer}"} 1`);
    }
    expect(metrics).toContain(`watchword_keys_vanished_total{issuer="${issuer}"} 0`);
  });

  test('C1: without allowInsecure or allowHosts a private address is not asked', async () => {
    const issuer = 'https://10.1.2.3';
    const entry = { issuer, audience: 'a', algorithms: ['ES256'], discovery: 'oidc' };
    const start = (more: object) => startEdge('http://127.0.0.1:1', { issuers: [{ ...entry, ...more }] });
    await expect(start({})).rejects.toThrow(/issuers\[0\]\.discovery: issuer: /);
    await start({ allowHosts: ['10.1.2.0/24'] });
  });
});

describe('more checks than can be made', () => {
  test('ER-4: some good tokens get 503 with Retry-After, none a 401; hits are served all the while; then all is well', async () => {
    const key = generateSigningKey('ES512', 'k1');
    const jwksFile = join(temporaryDirectory(), 'jwks.json');
    writeFileSync(jwksFile, JSON.stringify({ keys: [key.publicJwk()] }));
    const edge = await startEdge((await startUpstream()).url, {
      issuers: [{ issuer: 'https://idp.example', audience: 'https://api.example', algorithms: ['ES512'], jwksFile }],
      verification: { maxWaiting: 1, maxWaitMs: 5, burstMs: 0 },
    });
    const tokenOf = (jti: string): string =>
      signJws(Buffer.from(JSON.stringify(accessTokenClaims({ jti }))), { typ: 'at+jwt' }, key);
    const known = tokenOf('known');
    expect(await call(edge.url, known)).toBe(200);
    const tokens = Array.from({ length: 150 }, (_, index) => tokenOf(`id-${index}`));
    const [answers, hits] = await Promise.all([
      Promise.all(tokens.map((token) => fetch(`${edge.url}/api/x`, { headers: { authorization: `Bearer ${token}` } }))),
      Promise.all(Array.from({ length: 20 }, () => call(edge.url, known))),
    ]);
    const shed = answers.filter(({ status }) => status === 503);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
    for (const response of shed) expect(response.headers.get('retry-after')).toBe('1');
    expect(new Set(hits)).toEqual(new Set([200]));
    expect(await edge.metrics()).toContain(`watchword_adaptive_checks_total{where="shed"} ${shed.length}\n`);
    await vi.waitFor(async () => expect(await call(edge.url, tokens[0]!)).toBe(200));
  });

  test('a start with many new tokens at once: as many as may wait are all accepted', async () => {
    const verification = { maxWaiting: 400, maxWaitMs: 1, burstMs: 60_000 };
    const edge = await startEdge((await startUpstream()).url, { verification });
    const tokens = Array.from({ length: 400 }, (_, index) => edge.issuer.token({ jti: `id-${index}` }));
    const answers = await Promise.all(tokens.map((token) => call(edge.url, token)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(await edge.metrics()).toContain('watchword_adaptive_checks_total{where="shed"} 0\n');
  });

  test('D8: the same junk again costs no signature check', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const [head, payload, signature] = edge.issuer.token().split('.') as [string, string, string];
    const junk = `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    for (let times = 0; times < 3; times += 1) expect(await call(edge.url, junk)).toBe(401);
    const metrics = (await edge.metrics()).split('\n');
    for (const line of ['known_bad_hits_total 2', 'known_bad_entries 1', 'signature_checks_total 1', 'cache_entries 0']) {
      expect(metrics).toContain(`watchword_${line}`);
    }
    expect(await call(edge.url, edge.issuer.token())).toBe(200);
  });

  test('switched off, all are checked at once', async () => {
    const edge = await startEdge((await startUpstream()).url, { verification: { adaptive: false } });
    expect(await call(edge.url, edge.issuer.token())).toBe(200);
    expect(await edge.metrics()).not.toContain('watchword_adaptive');
  });
});
