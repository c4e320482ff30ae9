import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type Socket, connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { clientOf } from '../../src/headers/forwarding.ts';
import { type Guest, WaitingRoom } from '../../src/upstream/waiting-room.ts';
import { startEdge } from '../support/edge.ts';
import { valueOf } from '../support/threads.ts';
import { startUpstream } from '../support/upstream.ts';

async function openSocket(port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

describe('F10: limits.concurrentRequests', () => {
  test('one request more is answered 503 with Retry-After; after an answer there is room again', async () => {
    const held: ServerResponse[] = [];
    const upstream = await startUpstream((_request, response) => void held.push(response));
    const edge = await startEdge(upstream.url, { limits: { concurrentRequests: 2 } });
    const running = [fetch(`${edge.url}/public/1`), fetch(`${edge.url}/public/2`)];
    await vi.waitUntil(() => held.length === 2);
    expect(valueOf(await edge.metrics(), 'watchword_requests_running')).toBe(2);
    const refused = await fetch(`${edge.url}/public/3`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    held[0]!.end('ok');
    await running[0];
    const next = fetch(`${edge.url}/public/4`);
    await vi.waitUntil(() => held.length === 3);
    for (const response of held) response.end('ok');
    expect((await next).status).toBe(200);
    await vi.waitUntil(async () => valueOf(await edge.metrics(), 'watchword_requests_running') === 0);
  });
});

describe('F10: limits.connections', () => {
  test('one connection more is answered 503 with Retry-After and closed; the others go on', async () => {
    const edge = await startEdge((await startUpstream()).url, { limits: { connections: 2 } });
    const first = await openSocket(edge.port);
    await openSocket(edge.port);
    const third = await openSocket(edge.port, 'GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n');
    let text = '';
    third.setEncoding('latin1').on('data', (part: string) => (text += part));
    await once(third, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(text).toContain('retry-after: 1\r\n');
    first.write('GET /public/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(first, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    await once(first, 'close');
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(200);
    expect(valueOf(await edge.metrics(), 'watchword_connections_turned_away_total')).toBe(1);
  });
});

test('F10: who is turned away does not stay by sending on', async () => {
  const edge = await startEdge((await startUpstream()).url, { limits: { connections: 1 } });
  await openSocket(edge.port);
  const second = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  onTestFinished(() => void second.destroy());
  const trickle = setInterval(() => void (second.destroyed || second.write('x')), 100);
  onTestFinished(() => clearInterval(trickle));
  second.resume();
  await vi.waitUntil(() => second.closed, { timeout: 4000 });
});

describe('F10: slow uploads of one client hold at most its share of the places', () => {
  const SLOW = 'POST /public/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx';

  test('the other places stay free for everybody', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { upstream: { connections: 4, maxWaiting: 8 } });
    for (let index = 0; index < 12; index += 1) await openSocket(edge.port, SLOW);
    await vi.waitUntil(() => upstream.seen.length === 2);
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await fetch(`${edge.url}/public/x`)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(upstream.seen.filter(({ target }) => target === '/public/slow')).toHaveLength(2);
  });

  test('an upload whose body is whole holds none of it: its slow answer is not the client’s fault', () => {
    const room = new WaitingRoom({ places: 4, maxWaiting: 10, timeoutMs: 60_000, uploadsPerClient: 1 });
    const started: string[] = [];
    const guests = ['a', 'b', 'c'].map((name) => new Upload(name, 'client', started));
    for (const guest of guests) room.enter(guest);
    expect(started).toEqual(['a']);
    guests[0]!.finish(room);
    return vi.waitUntil(() => started.length === 2);
  });

  test('each client has a share of its own; who has left gives it back, also while waiting', async () => {
    const room = new WaitingRoom({ places: 4, maxWaiting: 10, timeoutMs: 60_000, uploadsPerClient: 1 });
    const started: string[] = [];
    const [a1, a2, a3, b1] = ['a1', 'a2', 'a3', 'b1'].map((name) => new Upload(name, name[0]!, started)) as [
      Upload,
      Upload,
      Upload,
      Upload,
    ];
    for (const guest of [a1, a2, a3, b1]) room.enter(guest);
    expect(started).toEqual(['a1', 'b1']);
    room.leave(a2);
    room.leave(a1);
    await vi.waitUntil(() => started.length === 3);
    expect(started).toEqual(['a1', 'b1', 'a3']);
    room.leave(a3);
    room.leave(b1);
    const next = new Upload('a4', 'a', started);
    room.enter(next);
    expect(started.at(-1)).toBe('a4');
  });

  test('nor may they fill the queue', () => {
    const room = new WaitingRoom({ places: 2, maxWaiting: 4, timeoutMs: 60_000 });
    const refused: string[] = [];
    for (let index = 0; index < 6; index += 1) room.enter(new Upload(`a${index}`, 'a', [], refused));
    expect(refused).toEqual(['a3', 'a4', 'a5']);
    expect(room.waiting).toBe(2);
  });
});

test('a client is an address of IPv4, a network of IPv6, or whom a trusted proxy names last', () => {
  expect(clientOf('192.0.2.1', undefined)).toBe('192.0.2.1');
  expect(clientOf('::ffff:192.0.2.1', undefined)).toBe('192.0.2.1');
  expect(clientOf('2001:db8:1:2:3:4:5:6', undefined)).toBe('2001:db8:1:2');
  expect(clientOf('2001:db8:1:2::9', undefined)).toBe('2001:db8:1:2');
  expect(clientOf('::1', undefined)).toBe('0:0:0:0');
  const told = (name: string): string[] => (name === 'x-forwarded-for' ? ['6.6.6.6, 203.0.113.7'] : []);
  expect(clientOf('10.0.0.1', told)).toBe('203.0.113.7');
  expect(clientOf('10.0.0.1', () => ['[2001:db8:1:2::9]:80'])).toBe('2001:db8:1:2');
  expect(clientOf('10.0.0.1', () => [])).toBe('10.0.0.1');
});

class Upload implements Guest {
  uploader: string | undefined;
  readonly #name: string;
  readonly #started: string[];
  readonly #refused: string[];

  constructor(name: string, client: string, started: string[], refused: string[] = []) {
    this.#name = name;
    this.uploader = client;
    this.#started = started;
    this.#refused = refused;
  }

  start(): void {
    this.#started.push(this.#name);
  }

  refuse(): void {
    this.#refused.push(this.#name);
  }

  finish(room: WaitingRoom): void {
    this.uploader = undefined;
    room.uploaded(this);
  }
}
