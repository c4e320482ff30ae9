import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { describe, expect, test, vi } from 'vitest';
import { StreamGuard, type GuardedStream } from '../../src/front/stream-guard.ts';
import type { Route } from '../../src/routing/route.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { askHttp2, openHttp2 } from '../support/http2.ts';
import { byJti, startRevokingEdge } from '../support/revoking.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** An upstream whose answers go on until their client leaves. */
async function startEvents(): Promise<{ upstream: TestUpstream; left: Promise<void>; answers: ServerResponse[] }> {
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const answers: ServerResponse[] = [];
  const upstream = await startUpstream((request, response) => {
    request.on('error', () => {}).resume();
    response.on('close', () => leave());
    answers.push(response);
    if (request.url!.includes('silent')) return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  return { upstream, left, answers };
}

function open(edge: TestEdge, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(`${edge.url}${path}`, { headers, agent: false }, resolve).on('error', reject).end();
  });
}

/** Its end, however it comes. */
function closed(stream: IncomingMessage): Promise<void> {
  stream.on('error', () => {}).resume();
  return new Promise((resolve) => stream.on('close', resolve));
}

const SOON = { timeout: 3000 };
const limits = { shutdownTimeoutMs: 50 };
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

describe('a stream ends with its token', () => {
  test('events over HTTP/1.1 are cut off when the token expires, and the upstream is let go', async () => {
    const { upstream, left } = await startEvents();
    let offsetMs = 0;
    const edge = await startEdge(upstream.url, { limits }, { clock: () => Date.now() + offsetMs });
    const response = await open(edge, '/api/events', edge.bearer({ exp: nowSeconds() + 100 }));
    expect(response.statusCode).toBe(200);
    offsetMs = 102_000;
    const early = Promise.race([closed(response).then(() => 'closed'), new Promise((resolve) => setTimeout(resolve, 1500))]);
    // The tolerance of five seconds counts here as it does for a new request.
    expect(await early).toBeUndefined();
    offsetMs = 110_000;
    await closed(response);
    expect(response.complete).toBe(false);
    await left;
    expect(await edge.metrics()).toContain('watchword_streams_ended_total{code="token_expired"} 1');
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_streams_open 0'), SOON);
  });

  test('where nobody has answered yet, the client is told 401', async () => {
    const { upstream } = await startEvents();
    let offsetMs = 0;
    const edge = await startEdge(upstream.url, { limits }, { clock: () => Date.now() + offsetMs });
    const pending = open(edge, '/api/silent', edge.bearer({ exp: nowSeconds() + 100 }));
    await vi.waitUntil(() => upstream.seen.length === 1);
    offsetMs = 200_000;
    expect((await pending).statusCode).toBe(401);
  });

  test('over HTTP/2 the stream is reset and the connection goes on; gRPC gets UNAUTHENTICATED', async () => {
    const { upstream } = await startEvents();
    let offsetMs = 0;
    const edge = await startEdge(upstream.url, { limits }, { clock: () => Date.now() + offsetMs });
    const session = openHttp2(edge.port);
    const events = askHttp2(session, { ':path': '/api/events', ...edge.bearer({ exp: nowSeconds() + 100 }) });
    const grpc = askHttp2(
      session,
      {
        ':method': 'POST',
        ':path': '/api/Grpc/Watch',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...edge.bearer({ exp: nowSeconds() + 100, jti: 'token-2' }),
      },
      'request',
    );
    await vi.waitUntil(() => upstream.seen.length === 2);
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_streams_open 2'), SOON);
    offsetMs = 200_000;
    expect(await events).toMatchObject({ status: 200, code: constants.NGHTTP2_INTERNAL_ERROR });
    expect(await grpc).toMatchObject({ status: 200, trailers: { 'grpc-status': '16' } });
    expect((await askHttp2(session, { ':path': '/nowhere' })).status).toBe(404);
  });

  test('a revocation ends the streams of that token, and no others', async () => {
    const { upstream } = await startEvents();
    const edge = await startRevokingEdge({ memory: true }, { upstreams: { main: { url: upstream.url } }, limits });
    const mine = await open(edge, '/strict/events', edge.bearer({ jti: 'stolen' }));
    const other = await open(edge, '/strict/events', edge.bearer({ jti: 'other' }));
    mine.on('error', () => {}).resume();
    other.on('error', () => {}).resume();
    const isClosed = closed(mine);
    const revokedMs = performance.now();
    expect((await edge.revoke(byJti('stolen'))).status).toBeLessThan(300);
    await isClosed;
    expect(performance.now() - revokedMs).toBeLessThan(2500);
    expect(other.destroyed).toBe(false);
    expect(await edge.metrics()).toContain('watchword_streams_ended_total{code="token_revoked"} 1');
    other.destroy();
  });

  test('a route may keep them beyond expiry, and may limit every one of them, public ones too', async () => {
    const { upstream } = await startEvents();
    let offsetMs = 0;
    const routes = [
      { path: '/api/*', upstream: 'main', streams: { atExpiry: 'keep' } },
      { path: '/public/*', upstream: 'main', public: true, streams: { maxSeconds: 1 } },
    ];
    const edge = await startEdge(upstream.url, { routes, limits }, { clock: () => Date.now() + offsetMs });
    const kept = await open(edge, '/api/events', edge.bearer({ exp: nowSeconds() + 100 }));
    const limited = await open(edge, '/public/events');
    kept.on('error', () => {}).resume();
    limited.on('error', () => {}).resume();
    offsetMs = 200_000;
    await closed(limited);
    expect(await edge.metrics()).toContain('watchword_streams_ended_total{code="stream_expired"} 1');
    expect(kept.destroyed).toBe(false);
    kept.destroy();
  });
});

describe('a stream of events', () => {
  test('begins at once, each event comes at once, and silence does not end it where the route says so', async () => {
    const { upstream, answers } = await startEvents();
    const routes = [{ path: '/public/*', upstream: 'main', public: true, stream: true }];
    const edge = await startEdge(upstream.url, {
      routes,
      upstreams: { main: { url: upstream.url, bodyTimeoutMs: 200 } },
      limits: { ...limits, stallTimeoutMs: 200 },
    });
    const headersOnly = open(edge, '/public/silent');
    await vi.waitUntil(() => answers.length === 1);
    answers[0]!.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    // Before the first event.
    const response = await headersOnly;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      const next = once(response, 'data');
      answers[0]!.write(event);
      expect(String((await next)[0])).toBe(event);
    }
    response.destroy();
  });
});

describe('what it costs', () => {
  function guarded(startMs: number, ended: string[]): GuardedStream {
    const route = { streams: { atExpiry: 'end' } } as Route;
    const token = { isWithin: () => true, window: {} } as unknown as GuardedStream['token'];
    const links = { isLong: false, place: -1 };
    return { startMs, route, token, ...links, endStream: (error) => void ended.push(error.code) };
  }

  test('a short request is never asked about, a long one only after news or now and then', () => {
    let asked = 0;
    let tell = (): void => {};
    const ended: string[] = [];
    const tally = { openStreams: 0, endedStreams: new Map() };
    const guard = new StreamGuard({
      verifier: {
        holds: () => {
          asked += 1;
          return asked < 3;
        },
        onWithdrawal: (listener) => {
          tell = () => listener({ issuer: 'https://idp.example', keyId: 'k' });
          return () => {};
        },
      },
      authorize: () => {},
      tally,
    });
    const long = guarded(0, ended);
    const short = guarded(9500, ended);
    guard.enter(long);
    guard.enter(short);
    guard.look(10_000);
    expect([asked, tally.openStreams]).toEqual([0, 1]);
    tell();
    guard.look(10_001);
    guard.look(10_002);
    expect(asked).toBe(1);
    for (let look = 0; look < 7; look += 1) guard.look(10_003);
    expect(asked).toBe(2);
    tell();
    guard.look(10_004);
    expect(ended).toEqual(['token_revoked']);
    expect(tally.openStreams).toBe(0);
    guard.leave(short);
    guard.close();
  });

  test('news that come in the first second of a stream are not missed', () => {
    const ended: string[] = [];
    let tell = (): void => {};
    const guard = new StreamGuard({
      verifier: {
        holds: () => false,
        onWithdrawal: (listener) => {
          tell = () => listener({ issuer: 'https://idp.example', keyId: 'k' });
          return () => {};
        },
      },
      authorize: () => {},
      tally: { openStreams: 0, endedStreams: new Map() },
    });
    guard.enter(guarded(9500, ended));
    tell();
    guard.look(10_000);
    expect(ended).toEqual([]);
    // One that began after the news was decided with them.
    guard.enter(guarded(10_100, ended));
    guard.look(10_600);
    guard.look(11_200);
    expect(ended).toEqual(['token_revoked']);
    guard.close();
  });

  test('a revocation that nobody can know of ends it: fail closed', () => {
    const ended: string[] = [];
    const guard = new StreamGuard({
      verifier: { holds: () => true },
      authorize: () => {
        throw Object.assign(new Error('stale'), {});
      },
      tally: { openStreams: 0, endedStreams: new Map() },
    });
    guard.enter(guarded(0, ended));
    for (let look = 0; look < 10; look += 1) guard.look(5000);
    expect(ended).toEqual(['internal']);
    guard.close();
  });

  test('members leave in any order', () => {
    const ended: string[] = [];
    const guard = new StreamGuard({
      verifier: { holds: () => false },
      authorize: () => {},
      tally: { openStreams: 0, endedStreams: new Map() },
    });
    const all = [0, 1, 2, 3].map((ms) => guarded(ms, ended));
    for (const one of all) guard.enter(one);
    for (const index of [1, 3, 0]) guard.leave(all[index]!);
    for (let look = 0; look < 10; look += 1) guard.look(5000);
    expect(ended).toHaveLength(1);
    guard.close();
  });
});
