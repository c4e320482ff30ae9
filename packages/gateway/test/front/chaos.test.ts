/** Everything at once: clients and upstreams that break off at any moment, WebSockets, reloads. Nothing may stay, and nothing may throw. */
import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import type { ClientHttp2Session, ServerHttp2Stream } from 'node:http2';
import { type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { amount, freshSeed } from '../../../core/test/support/campaign.ts';
import { createConfig } from '../../src/index.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { openHttp2 } from '../support/http2.ts';
import { startHttp2Upstream } from '../support/http2-upstream.ts';
import { startUpstream } from '../support/upstream.ts';
import { accept, startWebSocketUpstream, toFrame } from '../support/websocket.ts';

const CHAOS_MS = amount(2000, 45_000);
const CLIENTS = 24;
const TIMES = { responseTimeoutMs: 2000, bodyTimeoutMs: 2000 };
const GAUGES = ['requests_running', 'upstream_requests_in_flight', 'upstream_requests_waiting'] as const;
const STREAMS = ['/h1/x', '/h2/x', '/ws/x'] as const;

test(
  `F5: ${CHAOS_MS / 1000} s of breaking off everywhere: 0 exceptions, and afterwards no place, stream or connection is held`,
  { timeout: CHAOS_MS + 30_000 },
  async () => {
    const seed = freshSeed();
    const random = createRandom(seed);
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrown).on('unhandledRejection', onThrown);
    onTestFinished(() => void process.off('uncaughtException', onThrown).off('unhandledRejection', onThrown));

    const h1 = await startUpstream((request, response) => void answerHttp1(request, response, random));
    const h2 = await startHttp2Upstream((stream) => void answerHttp2(stream, random));
    const ws = await startWebSocketUpstream((request, socket) => void answerWebSocket(request, socket, random));
    const settings = (round: number): Record<string, unknown> => ({
      upstreams: {
        h1: { url: h1.url, connections: 8, maxWaiting: 16, retries: 2, ...TIMES },
        h2: { url: h2.url, protocol: 'h2c', maxConcurrentStreams: 16, maxWaiting: 16, retries: 2, ...TIMES },
        // Another upstream each time: the old one has to end with its last request.
        ws: { url: ws.url, connections: 8 + (round % 5), ...TIMES },
      },
      routes: [
        { path: '/h1/*', upstream: 'h1' },
        { path: '/h2/*', upstream: 'h2', stream: round % 2 === 0 },
        { path: '/ws/*', upstream: 'ws', upgrade: 'websocket' },
      ],
      limits: { shutdownTimeoutMs: 100, stallTimeoutMs: 2000, headersTimeoutMs: 2000, requestTimeoutMs: 2000 },
    });
    const edge = await startEdge(h1.url, settings(0));
    const configOf = (round: number) =>
      createConfig({
        listen: { port: 0 },
        control: { port: 0 },
        issuers: [edge.issuer.entry],
        txnToken: { trustDomain: 'inside.example' },
        ...settings(round),
      });
    const endMs = performance.now() + CHAOS_MS;
    const isOver = (): boolean => performance.now() > endMs;
    const highest = new Map<string, number>();
    const reloads = (async () => {
      for (let round = 1; !isOver(); round += 1) {
        await edge.reload(configOf(round));
        await delay(50);
        const metrics = await edge.metrics();
        for (const gauge of GAUGES) highest.set(gauge, Math.max(highest.get(gauge) ?? 0, sumOf(metrics, gauge)));
      }
    })();
    await Promise.all([reloads, ...Array.from({ length: CLIENTS }, (_, index) => runClient(edge, index, random, isOver))]);

    for (const gauge of GAUGES) {
      if (gauge !== 'upstream_requests_waiting') expect(highest.get(gauge), gauge).toBeGreaterThan(0);
      // Polled with the values, so that a failure names the gauge and the upstream that holds something.
      await vi.waitFor(async () => expect(heldOf(await edge.metrics(), gauge), `WATCHWORD_SEED=${seed}`).toEqual([]), {
        timeout: 20_000,
        interval: 100,
      });
    }
    expect(thrown, `WATCHWORD_SEED=${seed}`).toEqual([]);
    const answer = await fetch(`${edge.url}/h1/x`, { headers: edge.bearer() }).catch(() => undefined);
    expect([undefined, 200, 502, 503]).toContain(answer?.status);
  },
);

type Random = (below: number) => number;

async function runClient(edge: TestEdge, index: number, random: Random, isOver: () => boolean): Promise<void> {
  let session: ClientHttp2Session | undefined;
  while (!isOver()) {
    const path = STREAMS[random(STREAMS.length)]!;
    if (index % 3 === 0) await callHttp1(edge, path, random);
    else if (index % 3 === 1) {
      if (session === undefined || session.destroyed || session.closed) session = openHttp2(edge.port);
      await callHttp2(session, path, edge, random);
      if (random(30) === 0) session.destroy();
    } else await callRaw(edge, random);
  }
  session?.destroy();
}

async function callHttp1(edge: TestEdge, path: string, random: Random): Promise<void> {
  const body = random(2) === 0 ? Buffer.alloc(random(300_000)) : undefined;
  const method = body === undefined ? 'GET' : random(2) === 0 ? 'PUT' : 'POST';
  await new Promise<void>((resolve) => {
    const request = httpRequest(`${edge.url}${path}`, { method, headers: edge.bearer() }, (response) => {
      response.on('error', () => {}).on('close', resolve);
      if (random(4) === 0) response.destroy();
      else response.resume();
    });
    request.on('error', () => resolve()).on('close', resolve);
    if (random(3) === 0) setTimeout(() => request.destroy(), random(15));
    request.end(body);
  });
}

async function callHttp2(session: ClientHttp2Session, path: string, edge: TestEdge, random: Random): Promise<void> {
  const calls = Array.from({ length: 1 + random(5) }, () => {
    // The client's own patience: Node's does not tell of every end.
    const hasBody = random(2) === 0;
    const headers = { ':path': path, ':method': hasBody ? 'POST' : 'GET', ':authority': 'api.example', ...edge.bearer() };
    return new Promise<void>((resolve) => {
      if (session.closed || session.destroyed) return resolve();
      const stream = session.request({ ...headers, te: 'trailers' }, { endStream: !hasBody });
      stream
        .on('error', () => {})
        .on('close', resolve)
        .resume();
      if (hasBody) stream.end(Buffer.alloc(random(300_000)));
      if (random(3) === 0) setTimeout(() => stream.close(8), random(15));
      setTimeout(() => {
        stream.close(8);
        resolve();
      }, 3000).unref();
    });
  });
  await Promise.all(calls);
}

/** A WebSocket, or bytes that stop anywhere. */
async function callRaw(edge: TestEdge, random: Random): Promise<void> {
  const { authorization } = edge.bearer();
  const fields = `Host: a\r\nAuthorization: ${authorization}\r\n`;
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const texts = [
    `GET /ws/x HTTP/1.1\r\n${fields}${upgrade}\r\n`,
    `GET /h1/x HTTP/1.1\r\n${fields}\r\nGET /ws/x HTTP/1.1\r\n${fields}${upgrade}\r\n`,
    `GET /h2/x HTTP/1.1\r\n${fields}\r\nGET /h1/x HTTP/1.1\r\n${fields}\r\nGET /h2/x HTTP/1.1\r\n${fields}\r\n`,
    `POST /h1/x HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    `CONNECT a:1 HTTP/1.1\r\n${fields}\r\n`,
  ];
  const text = texts[random(texts.length)]!;
  const socket: Socket = connect(edge.port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write(random(3) === 0 ? text.slice(0, random(text.length)) : text);
  await delay(random(30));
  if (random(2) === 0) socket.write(Buffer.concat([toFrame(2, Buffer.alloc(random(500)))]));
  await delay(random(10));
  if (random(3) === 0) socket.resetAndDestroy();
  else if (random(2) === 0) socket.destroy();
  else {
    socket.end();
    setTimeout(() => socket.destroy(), 200).unref();
  }
}

async function answerHttp1(request: IncomingMessage, response: ServerResponse, random: Random): Promise<void> {
  request.on('error', () => {});
  const kind = random(9);
  if (kind === 0) return void request.socket.destroy();
  if (kind === 1) return void (request.socket as Socket).resetAndDestroy();
  if (kind !== 2) request.resume();
  await delay(random(10));
  if (kind === 3) response.writeHead(503);
  response.write(Buffer.alloc(random(200_000)));
  if (kind === 4)
    response.addTrailers([
      ['etag', 'a'],
      ['etag', 'b'],
    ] as never);
  await delay(random(5));
  if (kind === 5) request.socket.destroy();
  else response.end('end');
}

async function answerHttp2(stream: ServerHttp2Stream, random: Random): Promise<void> {
  const kind = random(9);
  if (kind === 0) return stream.close(random(14));
  if (kind === 1 && random(4) === 0) return stream.session?.destroy();
  if (kind === 2 && random(4) === 0) stream.session?.close();
  if (kind !== 3) stream.resume();
  await delay(random(10));
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ':status': kind === 4 ? 503 : 200 }, { waitForTrailers: kind === 5 });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.write(Buffer.alloc(random(200_000)));
  await delay(random(5));
  if (kind === 6) stream.close(random(14));
  else stream.end('end');
}

async function answerWebSocket(request: IncomingMessage, socket: Duplex, random: Random): Promise<void> {
  const kind = random(6);
  if (kind === 0) return void socket.destroy();
  await delay(random(10));
  if (kind === 1) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
  if (kind === 2) return void socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
  socket.write(accept(request));
  socket.write(toFrame(2, Buffer.alloc(random(100_000))));
  socket.resume();
  await delay(random(20));
  if (kind === 3) socket.destroy();
  else if (kind === 4) socket.end();
}

function sumOf(metrics: string, name: string): number {
  return linesOf(metrics, name).reduce((sum, line) => sum + valueOf(line), 0);
}

/** The lines of a gauge that are not 0. */
function heldOf(metrics: string, name: string): string[] {
  return linesOf(metrics, name).filter((line) => valueOf(line) !== 0);
}

function linesOf(metrics: string, name: string): string[] {
  return metrics.split('\n').filter((line) => line.startsWith(`watchword_${name}`));
}

function valueOf(line: string): number {
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

function createRandom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * below);
  };
}
