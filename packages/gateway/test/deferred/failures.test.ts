/** Which failures of a run use up an attempt, and which ones are nobody's fault, on both queues. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type ErrorCode, WatchwordError } from '@watchword/core';
import type { DeferredRequest, Job, JobResult } from '@watchword/deferred';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HOST, PATH } from '../../src/deferred/door.ts';
import { type WorkParts, createWork } from '../../src/deferred/work.ts';
import { createConfig } from '../../src/index.ts';
import { type Upstreams, createUpstreams } from '../../src/upstream/upstreams.ts';
import { startUpstream } from '../support/upstream.ts';

const NOW = 1_800_000_000_000;

function upstreamAt(url: string, more: object = {}): Upstreams {
  const config = createConfig({
    listen: { port: 0 },
    issuers: [{ issuer: 'https://id.example.com', audience: 'a', algorithms: ['ES256'], jwksUrl: 'https://id.example.com/jwks' }],
    txnToken: { trustDomain: 'shop.example.com', algorithm: 'ES256', keyFile: 'txn.pem', keyId: 'txn-1' },
    upstreams: { main: { url, ...more } },
    routes: [{ path: '/*', upstream: 'main' }],
  });
  const upstreams = createUpstreams(config);
  onTestFinished(() => upstreams.destroy());
  return upstreams;
}

async function resultAt(
  upstreams: Upstreams | undefined,
  fail: () => void = () => {},
  verdict: object = { token: {} },
  { signal }: { readonly signal: AbortSignal } = new AbortController(),
): Promise<JobResult> {
  const work = createWork({
    clock: () => NOW,
    route: () => ({ route: { deferredForMs: 1000, upstream: 'main' }, canonicalPath: '/later' }),
    verifier: { verifyMany: async () => [verdict], assertHolds: async () => {} },
    decorate: (verifier: object) => verifier,
    authorize: fail,
    exchange: () => 'a Txn-Token',
    upstreams,
    receipts: { closeResult: () => Buffer.alloc(1) },
    answerBytes: 100,
  } as unknown as WorkParts);
  const headers = [
    [HOST, 'host'],
    [PATH, '/later'],
  ];
  const request = { method: 'POST', target: '/later', headers, body: Buffer.from('x'), token: 'a.b.c', isProven: false };
  const entry = { id: 'id', issuer: 'i', acceptedAtMs: NOW, runBeforeMs: NOW + 1000 };
  const [result] = work([{ entry, request, attempt: 1, signal } as unknown as Job<DeferredRequest>]);
  return (await result)!;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('uses up no attempt:', () => {
  test.each<ErrorCode>([
    'keys_unavailable',
    'revocation_unavailable',
    'signing_unavailable',
    'replay_unavailable',
    'overloaded',
    'queue_unavailable',
    'clock_invalid',
  ])('%s, on our own side', async (code) => {
    const fail = (): void => {
      throw new WatchwordError(code);
    };
    expect(await resultAt(undefined, fail)).toEqual({ state: 'wait', reason: code });
  });

  test('an upstream that nobody answers for', async () => {
    const upstreams = upstreamAt(`http://127.0.0.1:${await closedPort()}`);
    expect(await resultAt(upstreams)).toEqual({ state: 'wait', reason: 'upstream_unavailable' });
  });

  test('an upstream of HTTP/2 that nobody answers for', async () => {
    const upstreams = upstreamAt(`http://127.0.0.1:${await closedPort()}`, { protocol: 'h2c' });
    expect(await resultAt(upstreams)).toEqual({ state: 'wait', reason: 'upstream_unavailable' });
  });

  test('whatever an upstream answers as long as its health checks say that it is down', async () => {
    const upstream = await startUpstream((_request, response) => void response.writeHead(503).end());
    const health = { path: '/health', intervalMs: 1000, timeoutMs: 1000, unhealthyThreshold: 1 };
    const upstreams = upstreamAt(upstream.url, { health });
    await expect.poll(() => upstreams.get('main').balancer.isDown, { timeout: 20_000 }).toBe(true);
    expect(await resultAt(upstreams)).toEqual({ state: 'wait', reason: 'upstream_unavailable' });
  });
});

describe('uses up an attempt:', () => {
  test.each([429, 502, 503, 504])('%i from an upstream that is there', async (status) => {
    const upstream = await startUpstream((_request, response) => void response.writeHead(status).end());
    expect(await resultAt(upstreamAt(upstream.url))).toEqual({ state: 'retry', reason: 'upstream_unavailable' });
  });

  test('a connection that ends without an answer: it may be this request that does it', async () => {
    const upstream = await startUpstream((request) => void request.socket.destroy());
    expect(await resultAt(upstreamAt(upstream.url))).toEqual({ state: 'retry', reason: 'upstream_unavailable' });
  });

  test('anything that nobody has thought of', async () => {
    const fail = (): void => {
      throw new TypeError('a mistake of ours');
    };
    expect(await resultAt(undefined, fail)).toEqual({ state: 'retry', reason: 'internal' });
  });
});

test('what is wrong with the request stays wrong', async () => {
  const fail = (): void => {
    throw new WatchwordError('token_revoked');
  };
  expect(await resultAt(undefined, fail)).toEqual({ state: 'refused', reason: 'token_revoked', isUnverified: false });
});

test('what was never verified is told to be so: its outcome is the first to be forgotten', async () => {
  const verdict = { error: new WatchwordError('signature_invalid') };
  expect(await resultAt(undefined, () => {}, verdict)).toEqual({
    state: 'refused',
    reason: 'signature_invalid',
    isUnverified: true,
  });
});

describe('does not hold its place, nor a connection, for', () => {
  test('an answer without an end: its status counts, and nothing of it is kept', async () => {
    const closed = Promise.withResolvers<void>();
    const upstream = await startUpstream((_request, response) => {
      response.on('close', closed.resolve);
      response.writeHead(201);
      for (let count = 0; count < 3; count += 1) response.write('x'.repeat(60));
    });
    expect(await resultAt(upstreamAt(upstream.url))).toMatchObject({ state: 'done', status: 201 });
    await closed.promise;
  });

  test('work that was given up', async () => {
    const [arrived, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const upstream = await startUpstream((_request, response) => {
      response.on('close', closed.resolve);
      arrived.resolve();
    });
    const controller = new AbortController();
    const result = resultAt(upstreamAt(upstream.url), () => {}, undefined, controller);
    await arrived.promise;
    controller.abort();
    expect(await result).toEqual({ state: 'retry', reason: 'upstream_timeout' });
    await closed.promise;
  });
});
