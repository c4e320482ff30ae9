/** Tokens that are bound to their sender, at a running gateway: real proofs, real certificates (WI-6, WI-7, WI-8). */
import { X509Certificate, createHash, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, test } from 'vitest';
import { createConfig } from '../src/index.ts';
import { makeCertificate } from './support/certificates.ts';
import { type TestEdge, startEdge } from './support/edge.ts';
import { temporaryDirectory } from './support/identity-provider.ts';
import { startUpstream, valuesOf } from './support/upstream.ts';

const holder = await generateKeyPair('ES256', { extractable: true });
const jwk = await exportJWK(holder.publicKey);
const jkt = await calculateJwkThumbprint(jwk);

async function dpopHeaders(edge: TestEdge, changes: object = {}, scheme = 'DPoP'): Promise<Record<string, string>> {
  const token = edge.issuer.token({ cnf: { jkt } });
  const ath = createHash('sha256').update(token).digest('base64url');
  const claims = { htm: 'GET', htu: `${edge.url}/api/1`, iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ath, ...changes };
  const proof = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(holder.privateKey);
  return { authorization: `${scheme} ${token}`, dpop: proof };
}

const ask = async (edge: TestEdge, path: string, headers: Record<string, string>): Promise<number> => {
  const response = await fetch(`${edge.url}${path}`, { headers });
  await response.arrayBuffer();
  return response.status;
};

describe('without a section possession', () => {
  test('bound tokens are refused, with a proof or without', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    expect(await ask(edge, '/api/1', await dpopHeaders(edge))).toBe(401);
    expect(await ask(edge, '/api/1', await dpopHeaders(edge, {}, 'Bearer'))).toBe(401);
    expect(upstream.seen).toEqual([]);
  });
});

describe('DPoP', () => {
  test('a proof opens the route once, on its own address; neither token nor proof goes on', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { possession: { dpop: {} } });
    const headers = await dpopHeaders(edge);
    expect(await ask(edge, '/api/1?page=2', headers)).toBe(200);
    expect(await ask(edge, '/api/1?page=2', headers)).toBe(401);
    expect(await ask(edge, '/api/2', await dpopHeaders(edge))).toBe(401);
    expect(await ask(edge, '/api/1', await dpopHeaders(edge, {}, 'Bearer'))).toBe(401);
    expect(await ask(edge, '/api/1', await dpopHeaders(edge, { htm: 'POST' }))).toBe(401);
    expect(await ask(edge, '/api/1', edge.bearer())).toBe(200);
    expect(upstream.seen).toHaveLength(2);
    for (const seen of upstream.seen) {
      expect(valuesOf(seen, 'dpop')).toEqual([]);
      expect(valuesOf(seen, 'authorization')).toEqual([]);
      expect(valuesOf(seen, 'txn-token')).toHaveLength(1);
    }
    expect(JSON.stringify(edge.logs)).not.toContain(headers.dpop);
  });

  test('on public routes a proof ends at the edge as well', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { possession: { dpop: {} } });
    expect(await ask(edge, '/public/1', { DPoP: 'x' })).toBe(200);
    expect(valuesOf(upstream.seen[0]!, 'dpop')).toEqual([]);
  });

  test('two proofs are none', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { possession: { dpop: {} } });
    const { authorization, dpop } = await dpopHeaders(edge);
    const response = await fetch(`${edge.url}/api/1`, {
      headers: [
        ['authorization', authorization!],
        ['dpop', dpop!],
        ['dpop', dpop!],
      ],
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP /);
  });

  test('behind something that ends TLS the address has the scheme of the configuration', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { possession: { dpop: {}, scheme: 'https' } });
    const htu = `${edge.url.replace('http:', 'https:')}/api/1`;
    expect(await ask(edge, '/api/1', await dpopHeaders(edge, { htu }))).toBe(200);
    expect(await ask(edge, '/api/1', await dpopHeaders(edge))).toBe(401);
  });

  test('two gateways that share a ledger: a proof is used once', async () => {
    const upstream = await startUpstream();
    const possession = { dpop: { spent: { sqlite: join(temporaryDirectory(), 'spent.db') } } };
    const [one, two] = [await startEdge(upstream.url, { possession }), await startEdge(upstream.url, { possession })];
    // Issuers are made by test edges, so each is asked with its own token; the proof's id is what they share.
    const jti = randomUUID();
    expect(await ask(one, '/api/1', await dpopHeaders(one, { jti }))).toBe(200);
    expect(await ask(two, '/api/1', await dpopHeaders(two, { jti }))).toBe(401);
    expect(await ask(two, '/api/1', await dpopHeaders(two))).toBe(200);
  });
});

describe('mutual TLS', () => {
  test('a token opens the route over its own certificate, and over no other connection', async () => {
    const upstream = await startUpstream();
    const [server, client, other] = [makeCertificate(), makeCertificate('client'), makeCertificate('other')];
    const both = join(temporaryDirectory(), 'ca.pem');
    writeFileSync(both, client.cert + other.cert);
    const tls = { certFile: server.certFile, keyFile: server.keyFile, clientCaFile: both, clientAuth: 'request' };
    const edge = await startEdge(upstream.url, { listen: { port: 0, tls }, possession: { mutualTls: true } });
    const x5t = createHash('sha256')
      .update(new X509Certificate(readFileSync(client.certFile)).raw)
      .digest('base64url');
    const authorization = `Bearer ${edge.issuer.token({ cnf: { 'x5t#S256': x5t } })}`;
    const call = (certificate: object): Promise<number> =>
      new Promise((resolve, reject) => {
        const options = {
          port: edge.port,
          host: 'localhost',
          path: '/api/1',
          ca: server.cert,
          headers: { authorization },
          ...certificate,
        };
        request(options, (response) => {
          response.resume();
          resolve(response.statusCode!);
        })
          .on('error', reject)
          .end();
      });
    expect(await call({ cert: client.cert, key: client.key })).toBe(200);
    expect(await call({ cert: other.cert, key: other.key })).toBe(401);
    expect(await call({})).toBe(401);
  });
});

describe('configuration', () => {
  const base = {
    issuers: [{ issuer: 'https://idp.example', audience: 'a', algorithms: ['ES256'], jwksUrl: 'https://idp.example/jwks' }],
    txnToken: { trustDomain: 'inside.example' },
    upstreams: { main: { url: 'http://127.0.0.1:1' } },
    routes: [{ path: '/', upstream: 'main' }],
  };
  test.each([
    ['nothing in it', { possession: {} }, 'needs dpop, mutualTls'],
    ['certificates over cleartext', { possession: { mutualTls: true } }, 'needs listen.tls'],
    ['several threads without a ledger', { possession: { dpop: {} }, threads: 2 }, 'needs spent'],
    ['a ledger that is nowhere', { possession: { dpop: { spent: {} } } }, 'exactly one of sqlite and redis'],
    ['a password for a file', { possession: { dpop: { spent: { sqlite: 'a', passwordFile: 'b' } } } }, 'goes with redis only'],
    ['a password in the address', { possession: { dpop: { spent: { redis: 'redis://:secret@host' } } } }, 'without a password'],
    ['another scheme', { possession: { dpop: {}, scheme: 'ftp' } }, 'must be http or https'],
  ])('%s', (_, more, reason) => {
    expect(() => createConfig({ ...base, ...more })).toThrow(reason);
  });
});
