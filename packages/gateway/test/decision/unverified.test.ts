/** What nobody has verified decides nothing and goes nowhere. */
import { Identity, type VerifiedToken } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { Decision } from '../../src/index.ts';
import { startEdge } from '../support/edge.ts';
import { startUpstream } from '../support/upstream.ts';

const CANARY = 'canary-of-an-unverified-claim';

describe('E10: unverified claims have another type and never reach a header', () => {
  test('E10: a bad token on a public route: the upstream learns nothing of it', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const good = edge.issuer.token({ sub: CANARY, scope: CANARY });
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const forged = Buffer.from(JSON.stringify({ sub: CANARY, iss: CANARY })).toString('base64url');
    const bad = [
      `${header}.${forged}.${signature}`,
      `${header}.${payload}.AAAA`,
      `${header}.${payload}.`,
      edge.issuer.token({ sub: CANARY, exp: 1 }),
      good,
    ];
    for (const token of bad) {
      const response = await fetch(`${edge.url}/public/x`, { headers: { authorization: `Bearer ${token}` } });
      expect(response.status).toBe(200);
    }
    expect(upstream.seen).toHaveLength(bad.length);
    const everything = JSON.stringify(upstream.seen);
    expect(everything).not.toContain(CANARY);
    // Nor in the form in which a token carries it.
    for (const token of bad) expect(everything).not.toContain(token.split('.')[1]!);
    for (const seen of upstream.seen) expect(seen.headers).not.toHaveProperty('txn-token');
  });

  test('E10: a bad token on a protected route gets nowhere, and neither log nor metric repeats it', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const token = edge.issuer.token({ sub: CANARY, scope: CANARY, exp: 1 });
    const response = await fetch(`${edge.url}/api/x`, { headers: { authorization: `Bearer ${token}` } });
    expect([response.status, upstream.seen]).toEqual([401, []]);
    expect(await response.text()).not.toContain(CANARY);
    expect(JSON.stringify(edge.logs) + (await edge.metrics())).not.toContain(CANARY);
  });

  test('E10: nothing but a verified token makes an identity', () => {
    const unverified = { claims: { sub: CANARY }, header: { alg: 'ES256' }, issuer: 'x' } as unknown as VerifiedToken;
    expect(() => new Identity(unverified)).toThrow(TypeError);
    const decision = new Decision({ upstream: 'main' } as never, '/', unverified, 'txn');
    expect(() => decision.identity).toThrow(TypeError);
  });
});

describe('F9: nothing is decided by the content type', () => {
  test('F9: the same verdict and the same bytes for every content type', async () => {
    const bodies: string[] = [];
    const upstream = await startUpstream((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      request.on('end', () => {
        bodies.push(body);
        response.end('ok');
      });
    });
    const edge = await startEdge(upstream.url);
    const types = [
      undefined,
      'application/json',
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/jsonx',
      'application/json\t; x=y',
      'application/ json',
      'text/plain, application/json',
      'multipart/form-data; boundary=a',
      'application/grpc',
      'application/x-www-form-urlencoded',
      '*/*',
      'x',
    ];
    const body = '{"a":1,"a":2}';
    for (const type of types) {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const ask = async (more: Record<string, string>): Promise<number> => {
        const response = await fetch(`${edge.url}/api/x`, {
          method: 'POST',
          headers: { ...headers, ...more },
          body: Buffer.from(body),
        });
        await response.arrayBuffer();
        return response.status;
      };
      expect([await ask({}), await ask(edge.bearer())], String(type)).toEqual([401, 200]);
    }
    expect(bodies).toEqual(types.map(() => body));
    const arrived = upstream.seen.map(({ headers }) => headers['content-type']);
    expect(arrived).toEqual(types);
  });
});
