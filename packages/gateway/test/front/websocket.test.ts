import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { FrameBoundaries } from '../../src/front/websocket-frames.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { sendRaw } from '../support/raw.ts';
import { byJti, startRevokingEdge } from '../support/revoking.ts';
import { accept, startWebSocketUpstream, toFrame } from '../support/websocket.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ROUTES = [
  { path: '/ws/*', upstream: 'main', upgrade: 'websocket' },
  { path: '/public-ws/*', upstream: 'main', public: true, upgrade: 'websocket' },
  { path: '/api/*', upstream: 'main' },
  { path: '/public/*', upstream: 'main', public: true },
];

function start(url: string, overrides: Record<string, unknown> = {}, dependencies = {}): Promise<TestEdge> {
  const { limits = {}, ...rest } = overrides;
  return startEdge(url, { routes: ROUTES, limits: { shutdownTimeoutMs: 100, ...(limits as object) }, ...rest }, dependencies);
}

/** Node's own WebSocket, which takes headers as an extra. */
function openSocket(edge: { port: number }, path: string, headers: Record<string, string> = {}): WebSocket {
  const Client = WebSocket as unknown as new (url: string, options: object) => WebSocket;
  const socket = new Client(`ws://127.0.0.1:${edge.port}${path}`, { headers });
  socket.binaryType = 'arraybuffer';
  return socket;
}

function opened(socket: WebSocket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.addEventListener('open', () => resolve(true));
    socket.addEventListener('error', () => resolve(false));
  });
}

function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })));
}

function handshake(path: string, fields: readonly string[] = [], key = KEY): string {
  const lines = [`GET ${path} HTTP/1.1`, 'Host: api.example', 'Connection: Upgrade', 'Upgrade: websocket'];
  return [...lines, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`, ...fields, '', ''].join('\r\n');
}

describe('who gets a WebSocket', () => {
  test('nobody without a token; neither the query nor the subprotocol carries one', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const token = edge.bearer().authorization!.slice(7);
    for (const [path, fields] of [
      ['/ws/x', []],
      [`/ws/x?access_token=${token}&token=${token}`, []],
      ['/ws/x', [`Sec-WebSocket-Protocol: bearer, ${token}`]],
      ['/ws/x', [`Sec-WebSocket-Protocol: ${token}`, 'Authorization: Bearer junk']],
    ] as const) {
      const answer = await sendRaw(edge.port, handshake(path, fields));
      expect(answer.status).toBe(401);
      expect(answer.text.toLowerCase()).toContain('connection: close');
    }
    expect(upstream.seen).toHaveLength(0);
    expect(upstream.plain).toHaveLength(0);
  });

  test('a caller with a token: messages of every size go both ways, whole', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const socket = openSocket(edge, '/ws/x?room=1', { ...edge.bearer(), 'x-user': 'root', 'x-forwarded-for': '10.0.0.1' });
    expect(await opened(socket)).toBe(true);
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const message = randomBytes(size);
      const answer = new Promise<ArrayBuffer>((resolve) => {
        socket.addEventListener('message', ({ data }) => resolve(data as ArrayBuffer), { once: true });
      });
      socket.send(message);
      expect(Buffer.from(await answer).equals(message), `${size} bytes`).toBe(true);
    }
    const end = closed(socket);
    socket.close(1000, 'done');
    expect(await end).toEqual({ code: 1000, reason: 'done' });
    const { headers, url } = upstream.seen[0]!;
    expect(url).toBe('/ws/x?room=1');
    expect(headers.authorization).toBeUndefined();
    expect(headers['x-user']).toBeUndefined();
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(String(headers['txn-token']).split('.')).toHaveLength(3);
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_total{route="/ws/*",status="101"} 1'));
  });

  test('on routes that do not say so the request is one like any other', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const answer = await sendRaw(edge.port, handshake('/public/x'));
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('plain');
    expect(upstream.seen).toHaveLength(0);
    expect(upstream.plain[0]!.headers.upgrade).toBeUndefined();
  });

  for (const [name, change] of [
    ['another version', ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 8']],
    ['a short key', [KEY, 'abc']],
    ['no key', [`Sec-WebSocket-Key: ${KEY}\r\n`, '']],
  ] as const) {
    test(`a handshake with ${name} is malformed`, async () => {
      const upstream = await startWebSocketUpstream();
      const edge = await start(upstream.url);
      expect((await sendRaw(edge.port, handshake('/public-ws/x').replace(change[0], change[1]))).status).toBe(400);
      expect(upstream.seen).toHaveLength(0);
    });
  }

  test('no more than are allowed', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url, { listen: { port: 0, webSockets: 2 } });
    const first = [openSocket(edge, '/public-ws/x'), openSocket(edge, '/public-ws/x')];
    expect(await Promise.all(first.map(opened))).toEqual([true, true]);
    expect((await sendRaw(edge.port, handshake('/public-ws/x'))).status).toBe(503);
    const end = closed(first[0]!);
    first[0]!.close();
    await end;
    await vi.waitUntil(async () => opened(openSocket(edge, '/public-ws/x')));
  });
});

describe('F1: an upgrade that fails is no tunnel', () => {
  const smuggled = 'GET /public/smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

  test('F1: an answer that is not 101 is passed on, and the connection ends with it', async () => {
    const upstream = await startWebSocketUpstream((_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    });
    const edge = await start(upstream.url);
    const answer = await sendRaw(edge.port, handshake('/public-ws/x') + smuggled);
    expect(answer).toMatchObject({ status: 403, body: 'no' });
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(upstream.plain).toHaveLength(0);
  });

  test('F1: 101 with a wrong accept, or for another protocol, is a bad gateway', async () => {
    for (const lines of [
      'Upgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      'Upgrade: websocket',
      'Upgrade: h2c\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ]) {
      const upstream = await startWebSocketUpstream((_request, socket) => {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n${lines}\r\n\r\nsecret`);
        socket.resume().on('end', () => socket.end());
      });
      const edge = await start(upstream.url);
      const answer = await sendRaw(edge.port, handshake('/public-ws/x'));
      expect(answer.status).toBe(502);
      expect(answer.text).not.toContain('secret');
      await vi.waitUntil(() => upstream.sockets[0]!.destroyed);
    }
  });

  test('F1: a refused handshake takes no second request', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const answer = await sendRaw(edge.port, handshake('/ws/x') + smuggled);
    expect(answer.status).toBe(401);
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(upstream.plain).toHaveLength(0);
  });

  test('F1, F5: a handshake behind an answer that is under way is a request like any other, in its turn', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    for (let round = 0; round < 20; round += 1) {
      const before = 'GET /public/x HTTP/1.1\r\nHost: api.example\r\n\r\n'.repeat(1 + (round % 3));
      const { text } = await sendRaw(edge.port, before + handshake('/public-ws/x', ['Connection: close']));
      expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2 + (round % 3));
    }
    expect(upstream.seen).toHaveLength(0);
  });

  test('F1: nor is there one behind a request that was malformed', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const { text } = await sendRaw(edge.port, `GET /a/../b HTTP/1.1\r\nHost: api.example\r\n\r\n${handshake('/public-ws/x')}`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    expect([...upstream.seen, ...upstream.plain]).toHaveLength(0);
  });

  test('F1: a handshake with a body is not one', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    for (const framing of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
      const request =
        handshake('/public-ws/x', [framing, 'Connection: close']) + (framing.startsWith('C') ? 'hello' : '0\r\n\r\n');
      const answer = await sendRaw(edge.port, request);
      expect([200, 400]).toContain(answer.status);
    }
    expect(upstream.seen).toHaveLength(0);
  });

  test('what the client sends behind its handshake reaches the WebSocket, once there is one', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const socket = connect(edge.port, '127.0.0.1');
    const ping = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    socket.write(Buffer.concat([Buffer.from(handshake('/public-ws/x')), ping]));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    await vi.waitUntil(() => text.endsWith('\x81\x02hi'));
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  test('an upstream that is not there: 502', async () => {
    const edge = await start('http://127.0.0.1:1');
    expect((await sendRaw(edge.port, handshake('/public-ws/x'))).status).toBe(502);
  });
});

describe('how a WebSocket ends', () => {
  test('when the token expires: a close frame, 1008', async () => {
    const upstream = await startWebSocketUpstream();
    let offsetMs = 0;
    const edge = await start(upstream.url, {}, { clock: () => Date.now() + offsetMs });
    const exp = Math.floor(Date.now() / 1000) + 100;
    const socket = openSocket(edge, '/ws/x', edge.bearer({ exp }));
    expect(await opened(socket)).toBe(true);
    const end = closed(socket);
    offsetMs = 200_000;
    expect(await end).toEqual({ code: 1008, reason: 'The token was not accepted' });
    await vi.waitUntil(() => upstream.sockets[0]!.destroyed);
  });

  test('when the token is revoked', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await startRevokingEdge(
      { memory: true },
      { upstreams: { main: { url: upstream.url } }, routes: ROUTES, limits: { shutdownTimeoutMs: 100 } },
    );
    const socket = openSocket(edge, '/ws/x', edge.bearer({ jti: 'stolen' }));
    expect(await opened(socket)).toBe(true);
    const end = closed(socket);
    await edge.revoke(byJti('stolen'));
    expect((await end).code).toBe(1008);
    // A new one is refused.
    expect(await opened(openSocket(edge, '/ws/x', edge.bearer({ jti: 'stolen' })))).toBe(false);
  });

  test('in the middle of a frame there is no room for another: the connection is cut', async () => {
    const upstream = await startWebSocketUpstream((request, socket) => {
      socket.write(accept(request));
      socket.write(toFrame(2, Buffer.alloc(1000)).subarray(0, 500));
    });
    let offsetMs = 0;
    const edge = await start(upstream.url, {}, { clock: () => Date.now() + offsetMs });
    const exp = Math.floor(Date.now() / 1000) + 100;
    const socket = connect(edge.port, '127.0.0.1');
    socket.write(handshake('/ws/x', [`Authorization: ${edge.bearer({ exp }).authorization}`]));
    const received: Buffer[] = [];
    socket.on('error', () => {}).on('data', (chunk: Buffer) => received.push(chunk));
    await vi.waitUntil(() => Buffer.concat(received).length > 500);
    const before = Buffer.concat(received).length;
    offsetMs = 200_000;
    await once(socket, 'close');
    expect(Buffer.concat(received)).toHaveLength(before);
  });

  test('when it is silent for too long', async () => {
    const edge = await start((await startWebSocketUpstream()).url, { listen: { port: 0, webSocketIdleMs: 200 } });
    const socket = openSocket(edge, '/public-ws/x');
    expect(await closed(socket)).toEqual({ code: 1001, reason: 'idle' });
  });

  test('F10: when its client takes nothing of what is there', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const upstream = await startWebSocketUpstream((request, socket) => {
      socket.write(accept(request));
      const push = (): void => {
        while (!socket.destroyed && socket.write(toFrame(2, Buffer.alloc(60_000))));
      };
      socket.on('drain', push).on('close', () => leave());
      push();
    });
    const edge = await start(upstream.url, { limits: { stallTimeoutMs: 300 } });
    const socket = connect(edge.port, '127.0.0.1', () => socket.write(handshake('/public-ws/x')));
    socket.on('error', () => {}).pause();
    await left;
    socket.destroy();
  });

  test('when a client or an upstream goes, the other one is told', async () => {
    const upstream = await startWebSocketUpstream();
    const edge = await start(upstream.url);
    const open = async (): Promise<Socket> => {
      const socket = connect(edge.port, '127.0.0.1', () => socket.write(handshake('/public-ws/x')));
      socket.on('error', () => {});
      await once(socket, 'data');
      return socket;
    };
    const first = await open();
    first.destroy();
    await vi.waitUntil(() => upstream.sockets[0]!.destroyed);
    const second = await open();
    upstream.sockets[1]!.destroy();
    await once(second.resume(), 'close');
    const third = await open();
    // Half-close: what is on its way back still arrives.
    third.end(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    expect(String((await once(third, 'data'))[0])).toContain('hi');
    await once(third, 'close');
  });

  test('F10: when its client ends its side and the upstream does not', async () => {
    const upstream = await startWebSocketUpstream((request, socket) => void setTimeout(() => socket.write(accept(request)), 50));
    const edge = await start(upstream.url);
    const open = (): Socket => connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    const socket = open();
    socket.write(handshake('/public-ws/x'));
    await once(socket, 'data');
    socket.end();
    // Before it knows whether there will be a WebSocket.
    open().end(handshake('/public-ws/x'));
    await vi.waitUntil(() => upstream.seen.length === 2);
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_running 0\n'), { timeout: 4000 });
    await vi.waitUntil(() => upstream.sockets[0]!.destroyed || upstream.sockets[0]!.readableEnded, { timeout: 1000 });
  });

  test('a drain says 1001 and does not wait for it', async () => {
    const edge = await start((await startWebSocketUpstream()).url, { limits: { shutdownTimeoutMs: 5000 } });
    const socket = openSocket(edge, '/public-ws/x');
    expect(await opened(socket)).toBe(true);
    const end = closed(socket);
    const startMs = performance.now();
    await edge.close();
    expect((await end).code).toBe(1001);
    expect(performance.now() - startMs).toBeLessThan(3000);
  });
});

describe('where frames end', () => {
  test('is known however the bytes are cut', () => {
    const frames = [0, 5, 125, 126, 70_000].map((size) => toFrame(2, randomBytes(size)));
    const ends = new Set<number>();
    let total = 0;
    for (const frame of frames) ends.add((total += frame.length));
    const bytes = Buffer.concat(frames);
    for (const step of [1, 2, 3, 7, 1000]) {
      const boundaries = new FrameBoundaries();
      for (let at = 0; at < bytes.length; at += step) {
        boundaries.follow(bytes.subarray(at, at + step));
        const reached = Math.min(at + step, bytes.length);
        if (boundaries.isBetween !== ends.has(reached)) throw new Error(`step ${step}, byte ${reached}`);
      }
      expect(boundaries.isBetween).toBe(true);
    }
  });
});
