import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, frame } from '../support/frames.ts';
import {
  type Http2Upstream,
  STATUS_200,
  startFrameUpstream,
  startHttp2Upstream,
  wholeAnswer,
  words,
} from '../support/http2-upstream.ts';
import { askHttp2, block, openHttp2 } from '../support/http2.ts';
import { startUpstream } from '../support/upstream.ts';
import { valueOf } from '../support/threads.ts';

const MEGABYTE = 1_048_576;

function startH2Edge(url: string, upstream: object = {}, rest: Record<string, unknown> = {}): Promise<TestEdge> {
  return startEdge(url, { upstream: { protocol: 'h2c', ...upstream }, ...rest });
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A body for which nothing has to be sent, or sent again. */
async function post(edge: TestEdge, body: string): Promise<Response> {
  return fetch(`${edge.url}/public/x`, { method: 'POST', body });
}

describe('a cut-off answer never looks like a whole one', () => {
  const halves: [name: string, end: (socket: Socket, stream: number) => void][] = [
    ['a reset without an error', (socket, stream) => void socket.write(frame(RST_STREAM, 0, stream, words(0)))],
    ['a reset as cancelled', (socket, stream) => void socket.write(frame(RST_STREAM, 0, stream, words(8)))],
    ['a reset with an error', (socket, stream) => void socket.write(frame(RST_STREAM, 0, stream, words(2)))],
    ['the end of the connection', (socket) => void socket.end()],
    ['a reset of the connection', (socket) => void socket.resetAndDestroy()],
    ['GOAWAY with an error', (socket) => void socket.write(frame(GOAWAY, 0, 0, words(1, 2)))],
    ['a frame that is none', (socket) => void socket.write(frame(SETTINGS_WITHOUT_LENGTH, 0, 0, words(1)))],
  ];
  for (const [name, end] of halves) {
    test(name, async () => {
      const upstream = await startFrameUpstream((socket, stream) => {
        socket.write(frame(HEADERS, END_HEADERS, stream, STATUS_200));
        socket.write(frame(DATA, 0, stream, Buffer.from('half')));
        setTimeout(() => end(socket, stream), 20);
      });
      const edge = await startH2Edge(upstream.url);
      const response = await fetch(`${edge.url}/public/x`);
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
      expect(upstream.requests).toBe(1);
      await vi.waitUntil(() => edge.logs.some((line) => line.code === 'upstream_unavailable'));
    });
  }

  test('fewer bytes than were promised', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200, 'content-length': 10 });
      stream.end('half');
    });
    const edge = await startH2Edge(upstream.url);
    await expect(fetch(`${edge.url}/public/x`).then((response) => response.text())).rejects.toThrow();
  });
});

const SETTINGS_WITHOUT_LENGTH = 4;

describe('F5: what cannot be passed on is a bad gateway, and the end of nothing else', () => {
  test('a status that is none, to clients of HTTP/2', async () => {
    const upstream = await startFrameUpstream((socket, stream) => {
      socket.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(':status', '600')));
    });
    const edge = await startH2Edge(upstream.url);
    const session = openHttp2(edge.port);
    expect(await askHttp2(session, { ':path': '/public/x' })).toMatchObject({ status: 502, code: 0 });
    expect(await askHttp2(session, { ':path': '/public/x' })).toMatchObject({ status: 502, code: 0 });
    expect(await edge.metrics()).toContain('watchword_upstream_requests_in_flight{upstream="main",target="0"} 0');
  });

  test('grpc-status as a field of an answer that has a body takes nothing from it, unless gRPC was asked for', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200, 'grpc-status': '0' });
      stream.end('body');
    });
    const edge = await startH2Edge(upstream.url);
    expect(await askHttp2(openHttp2(edge.port), { ':path': '/public/x', te: 'trailers' })).toMatchObject({
      status: 200,
      body: 'body',
    });
  });
});

describe('what the target has not touched is sent again, whatever the method', () => {
  const refusals: [name: string, refuse: (socket: Socket, stream: number) => void][] = [
    ['REFUSED_STREAM', (socket, stream) => void socket.write(frame(RST_STREAM, 0, stream, words(7)))],
    ['GOAWAY below its stream', (socket) => void socket.end(frame(GOAWAY, 0, 0, words(0, 0)))],
    ['GOAWAY with an error below its stream', (socket) => void socket.end(frame(GOAWAY, 0, 0, words(0, 11)))],
  ];
  for (const [name, refuse] of refusals) {
    test(name, async () => {
      let requests = 0;
      const upstream = await startFrameUpstream((socket, stream) => {
        requests += 1;
        if (requests === 1) refuse(socket, stream);
        else socket.write(wholeAnswer(stream, 'done'));
      });
      const edge = await startH2Edge(upstream.url);
      const response = await post(edge, 'order');
      expect([response.status, await response.text()]).toEqual([200, 'done']);
      expect(upstream.requests).toBe(2);
      expect(valueOf(await edge.metrics(), 'watchword_upstream_retries_total{upstream="main",target="0"}')).toBe(1);
    });
  }

  test('with the whole body', async () => {
    let first = true;
    const upstream = await startHttp2Upstream(async (stream) => {
      let body = '';
      for await (const chunk of stream) body += chunk;
      if (first) {
        first = false;
        stream.close(7);
        return;
      }
      stream.respond({ ':status': 200 });
      stream.end(body);
    });
    const edge = await startH2Edge(upstream.url);
    expect(await (await post(edge, 'x'.repeat(60_000))).text()).toBe('x'.repeat(60_000));
    expect(upstream.seen).toHaveLength(2);
  });
});

describe('what it may have touched is not', () => {
  const deaths: [name: string, die: (socket: Socket, stream: number) => void][] = [
    ['a reset with an error', (socket, stream) => void socket.write(frame(RST_STREAM, 0, stream, words(2)))],
    ['the end of the connection', (socket) => void socket.end()],
    ['a reset of the connection', (socket) => void socket.resetAndDestroy()],
    ['GOAWAY at its stream', (socket) => void socket.end(frame(GOAWAY, 0, 0, words(1, 2)))],
  ];
  for (const [name, die] of deaths) {
    test(`POST: ${name}`, async () => {
      const upstream = await startFrameUpstream((socket, stream) => die(socket, stream));
      const edge = await startH2Edge(upstream.url, { retries: 3 });
      expect((await post(edge, 'order')).status).toBe(502);
      expect(upstream.requests).toBe(1);
    });
  }

  test('GET is, when the connection ended', async () => {
    const upstream = await startFrameUpstream((socket, stream, connection) => {
      if (connection === 0) socket.end();
      else socket.write(wholeAnswer(stream, 'second'));
    });
    const edge = await startH2Edge(upstream.url);
    expect(await (await fetch(`${edge.url}/public/x`)).text()).toBe('second');
  });
});

describe('both directions', () => {
  test('fields, status and body arrive; the answer of the edge to an HTTP/1.1 client has no trailers', async () => {
    const upstream = await startHttp2Upstream((stream, headers) => {
      stream.respond(
        { ':status': 201, 'x-one': 'a', 'set-cookie': ['a=1', 'b=2'], 'txn-token': 'leak' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
      stream.end(`${headers[':method']} ${headers[':path']} ${headers[':scheme']} ${headers['x-two']}`);
    });
    const edge = await startH2Edge(upstream.url);
    const response = await fetch(`${edge.url}/public/x?q=1`, { headers: { 'X-Two': 'b', 'txn-token': 'forged' } });
    expect([response.status, await response.text()]).toEqual([201, 'GET /public/x?q=1 http b']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('txn-token')).toBeNull();
    expect([...response.headers.keys()].filter((name) => name.startsWith(':'))).toEqual([]);
    const [seen] = upstream.seen;
    expect(seen![':authority']).toBe(new URL(upstream.url).host);
    expect(seen!['txn-token']).toBeUndefined();
    expect(seen!.te).toBeUndefined();
    expect(seen!['x-forwarded-proto']).toBe('http');
  });

  test('a large body arrives whole in both directions', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const edge = await startH2Edge(upstream.url, {}, { limits: { bodyBytes: 100 * MEGABYTE } });
    const body = randomBytes(6 * MEGABYTE);
    const response = await fetch(`${edge.url}/api/x`, { method: 'POST', body, headers: edge.bearer() });
    expect(digest(new Uint8Array(await response.arrayBuffer()))).toBe(digest(body));
    expect(upstream.seen[0]!['txn-token']).toBeDefined();
    expect(upstream.seen[0]!.authorization).toBeUndefined();
  });

  test('the answer starts before the request has ended, and both stream', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const edge = await startH2Edge(upstream.url);
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
    const client = httpRequest(`${edge.url}/public/echo`, { method: 'POST', agent: false }, resolve);
    client.write('one');
    const iterator = (await promise)[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe('one');
    client.write('two');
    expect(String((await iterator.next()).value)).toBe('two');
    client.end();
    expect((await iterator.next()).done).toBe(true);
  });

  test('an early answer arrives, and the rest of the request is not asked for', async () => {
    const { promise: reset, resolve } = Promise.withResolvers<void>();
    const upstream = await startHttp2Upstream((stream) => {
      stream.on('close', resolve);
      stream.respond({ ':status': 409 });
      stream.end('conflict');
    });
    const edge = await startH2Edge(upstream.url);
    const response = await post(edge, 'x'.repeat(900_000));
    expect([response.status, await response.text()]).toEqual([409, 'conflict']);
    await reset;
  });

  // Beyond the window of 65,535 bytes the target leaves what was sent waiting at the edge.
  for (const bytes of [1, 200_000]) {
    const name = `F5: an early answer arrives whole where its client takes its time and has sent ${bytes} bytes (RFC 9113 section 8.1)`;
    test(name, async () => {
      const part = Buffer.alloc(16_000);
      const upstream = await startFrameUpstream((socket, stream) => {
        const parts = Array.from({ length: 15 }, () => frame(DATA, 0, stream, part));
        const end = [frame(DATA, END_STREAM, stream, part), frame(RST_STREAM, 0, stream, words(0))];
        socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, stream, STATUS_200), ...parts]));
        setTimeout(() => socket.write(Buffer.concat(end)), 100);
      });
      const routes = [{ path: '/public/*', upstream: 'main', public: true, stream: true }];
      const edge = await startH2Edge(upstream.url, {}, { routes });
      const call = openHttp2(edge.port, { settings: { initialWindowSize: 16_384 } }).request({
        ':method': 'POST',
        ':authority': 'a',
        ':path': '/public/x',
      });
      let received = 0;
      call.on('error', () => {}).on('data', (chunk: Buffer) => (received += chunk.length));
      call.pause().write(Buffer.alloc(bytes));
      await once(call, 'response');
      const sending = setInterval(() => call.writable && call.write('a'), 5);
      onTestFinished(() => clearInterval(sending));
      // Time for the end of the answer, and for what is sent behind it, to get to the edge.
      setTimeout(() => call.resume(), 300);
      await once(call, 'end');
      expect(received).toBe(16 * part.length);
    });
  }

  test('HEAD, 204 and 304 end at once; interim answers are dropped', async () => {
    const upstream = await startHttp2Upstream((stream, headers) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      stream.respond({ ':status': Number(headers[':path']!.slice(-3)) }, { endStream: true });
    });
    const edge = await startH2Edge(upstream.url);
    expect((await fetch(`${edge.url}/public/200`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${edge.url}/public/204`)).status).toBe(204);
    expect((await fetch(`${edge.url}/public/304`)).status).toBe(304);
  });

  test('a slow client holds the upstream back, and nobody else on the connection', async () => {
    let written = 0;
    const upstream = await startHttp2Upstream((stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/public/short') return void stream.end('ok');
      const chunk = Buffer.alloc(64 * 1024);
      const push = (): void => {
        while (written < 200 * MEGABYTE && !stream.destroyed) {
          written += chunk.length;
          if (!stream.write(chunk)) return void stream.once('drain', push);
        }
      };
      push();
    });
    const edge = await startH2Edge(upstream.url);
    const response = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(`${edge.url}/public/long`, { agent: false }, resolve).end();
    });
    response.pause();
    let before = -1;
    await vi.waitUntil(() => written === before || ((before = written), false), { interval: 200, timeout: 10_000 });
    expect(written).toBeLessThan(60 * MEGABYTE);
    expect(await (await fetch(`${edge.url}/public/short`)).text()).toBe('ok');
    response.destroy();
  });

  test('a slow upstream holds the client back', async () => {
    const upstream = await startHttp2Upstream((stream) => void stream.pause());
    const limits = { bodyBytes: 1000 * MEGABYTE, shutdownTimeoutMs: 50 };
    const edge = await startH2Edge(upstream.url, {}, { limits });
    const client = httpRequest(`${edge.url}/public/x`, { method: 'POST', agent: false });
    client.on('error', () => {});
    const chunk = Buffer.alloc(64 * 1024);
    let written = 0;
    let full = false;
    const push = (): void => {
      while (written < 200 * MEGABYTE && client.write(chunk)) written += chunk.length;
      full = true;
    };
    client.on('drain', push);
    push();
    let before = -1;
    await vi.waitUntil(() => (full && written === before) || ((before = written), false), { interval: 200, timeout: 10_000 });
    expect(written).toBeLessThan(60 * MEGABYTE);
    client.destroy();
  });
});

describe('when one side leaves', () => {
  test('a client that leaves cancels the stream, not the connection', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerHttp2Stream>();
    const upstream = await startHttp2Upstream((stream) => arrive(stream));
    const edge = await startH2Edge(upstream.url);
    const client = httpRequest(`${edge.url}/public/x`, { agent: false }).on('error', () => {});
    client.end();
    const stream = await arrived;
    client.destroy();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(8);
    expect(upstream.sessions.size).toBe(1);
  });

  test('a client that leaves in the middle of its body does not complete it', async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    const upstream = await startHttp2Upstream((stream) => {
      // Node emits `end` for both.
      stream.resume().on('close', () => end(stream.aborted ? 'aborted' : 'complete'));
    });
    const edge = await startH2Edge(upstream.url);
    const client = httpRequest(`${edge.url}/public/x`, { method: 'POST', agent: false }).on('error', () => {});
    client.write('hello');
    await vi.waitUntil(() => upstream.seen.length === 1);
    client.destroy();
    expect(await ended).toBe('aborted');
  });

  test('a body that is too large: 413, and the stream is reset', async () => {
    const upstream = await startHttp2Upstream((stream) => void stream.resume());
    const edge = await startH2Edge(upstream.url, {}, { limits: { bodyBytes: 1000 } });
    const client = httpRequest(`${edge.url}/public/x`, { method: 'POST', agent: false });
    client.end(Buffer.alloc(5000));
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    await edge.close();
  });

  test('an upstream that says nothing: 504; in the middle of its answer: cut off', async () => {
    const upstream = await startHttp2Upstream((stream, headers) => {
      if (headers[':path'] === '/public/never') return;
      stream.respond({ ':status': 200 });
      stream.write('some');
    });
    const edge = await startH2Edge(upstream.url, { responseTimeoutMs: 100, bodyTimeoutMs: 100 });
    expect((await fetch(`${edge.url}/public/never`)).status).toBe(504);
    await expect(fetch(`${edge.url}/public/stops`).then((response) => response.text())).rejects.toThrow();
    await vi.waitUntil(() => edge.logs.filter((line) => line.code === 'upstream_timeout').length === 2);
  });

  test('0 means no limit', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      setTimeout(() => stream.respond({ ':status': 200 }), 150);
      setTimeout(() => stream.end('late'), 300);
    });
    const edge = await startH2Edge(upstream.url, { responseTimeoutMs: 0, bodyTimeoutMs: 0 });
    expect(await (await fetch(`${edge.url}/public/x`)).text()).toBe('late');
  });
});

describe('connections', () => {
  const getMany = (edge: TestEdge, count: number): Promise<number[]> =>
    Promise.all(Array.from({ length: count }, async () => (await fetch(`${edge.url}/public/x`)).status));

  test('are one for many requests, or as many as are allowed', async () => {
    for (const sessions of [1, 3]) {
      const upstream = await startHttp2Upstream();
      const edge = await startH2Edge(upstream.url, { sessions });
      expect(new Set(await getMany(edge, 30))).toEqual(new Set([200]));
      expect(upstream.connections).toBe(sessions);
    }
  });

  test('never carry more streams than the target allows; the others wait, and no longer than they may', async () => {
    let running = 0;
    let most = 0;
    const upstream = await startHttp2Upstream(
      (stream) => {
        running += 1;
        most = Math.max(most, running);
        stream.on('close', () => (running -= 1));
        setTimeout(() => (stream.respond({ ':status': 200 }), stream.end('ok')), 5);
      },
      { settings: { maxConcurrentStreams: 4 } },
    );
    const edge = await startH2Edge(upstream.url);
    // The settings of the target are known after the first answer.
    expect(await getMany(edge, 1)).toEqual([200]);
    expect(new Set(await getMany(edge, 60))).toEqual(new Set([200]));
    expect(most).toBe(4);
  });

  test('F10: the queue is bounded in number and in time', async () => {
    const held: ServerHttp2Stream[] = [];
    const upstream = await startHttp2Upstream((stream) => void held.push(stream));
    const edge = await startH2Edge(upstream.url, { maxConcurrentStreams: 1, maxWaiting: 1, connectTimeoutMs: 200 });
    const answers = [1, 2, 3].map(async () => (await fetch(`${edge.url}/public/x`)).status);
    await vi.waitUntil(() => held.length === 1);
    expect(await Promise.race(answers)).toBe(503);
    await vi.waitUntil(() => edge.logs.filter((line) => line.code === 'overloaded').length === 2);
    held[0]!.respond({ ':status': 200 }, { endStream: true });
    expect((await Promise.all(answers)).sort()).toEqual([200, 503, 503]);
  });

  test('that are left by GOAWAY finish what runs; new requests go over a new one', async () => {
    const held: ServerHttp2Stream[] = [];
    const upstream = await startHttp2Upstream((stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/public/long') held.push(stream);
      else stream.end('short');
    });
    const edge = await startH2Edge(upstream.url);
    const long = await fetch(`${edge.url}/public/long`);
    for (const session of upstream.sessions) session.goaway(0, 1);
    await vi.waitUntil(async () => {
      await (await fetch(`${edge.url}/public/short`)).text();
      return upstream.connections === 2;
    });
    held[0]!.end('finished');
    expect(await long.text()).toBe('finished');
    await vi.waitUntil(() => upstream.sessions.size === 1);
  });

  test('come back after the target was away', async () => {
    const upstream = await startHttp2Upstream();
    const edge = await startH2Edge(upstream.url);
    expect(await getMany(edge, 1)).toEqual([200]);
    for (const session of upstream.sessions) session.destroy();
    await vi.waitUntil(() => upstream.sessions.size === 0);
    expect(await getMany(edge, 3)).toEqual([200, 200, 200]);
  });

  test('that cannot be made: 502; that are not made in time: 504', async () => {
    expect((await fetch(`${(await startH2Edge('http://127.0.0.1:1')).url}/public/x`)).status).toBe(502);
    // Takes connections, and never says anything about TLS.
    const silent = createTcpServer((socket) => void socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const edge = await startH2Edge(url, { protocol: 'h2', connectTimeoutMs: 100 });
    expect((await post(edge, 'x')).status).toBe(504);
    await edge.close();
  });

  test('to a server of HTTP/1.1: 502', async () => {
    const upstream = await startUpstream();
    const edge = await startH2Edge(upstream.url);
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(502);
    expect(upstream.seen).toHaveLength(0);
  });

  test('that are dead but open are found by a ping', async () => {
    let answering = true;
    const upstream = await startFrameUpstream((socket, stream) => {
      if (answering) socket.write(wholeAnswer(stream, 'ok'));
    });
    const edge = await startH2Edge(upstream.url, { pingMs: 50, connectTimeoutMs: 100, responseTimeoutMs: 20_000 });
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(200);
    answering = false;
    expect((await post(edge, 'x')).status).toBe(504);
    expect(upstream.requests).toBe(2);
  });
});

test('HP-1: the header table has room for the tokens of all callers, where the target allows it; otherwise the log says so', async () => {
  const sizes: number[] = [];
  const note = (upstream: Http2Upstream): void =>
    void upstream.server.on('session', (session) => {
      session.on('stream', () => sizes.push(session.state.inflateDynamicTableSize ?? 0));
    });
  const large = await startHttp2Upstream(undefined, { settings: { headerTableSize: 1_000_000 }, maxSessionMemory: 20 });
  const small = await startHttp2Upstream();
  for (const upstream of [large, small]) {
    note(upstream);
    const edge = await startH2Edge(upstream.url);
    for (let round = 0; round < 3; round += 1) {
      for (let caller = 0; caller < 30; caller += 1) {
        const headers = edge.bearer({ sub: `user-${caller}`, jti: `t-${caller}` });
        expect((await fetch(`${edge.url}/api/x`, { headers })).status).toBe(200);
      }
    }
    expect(edge.logs.filter((line) => String(line.msg).startsWith('the header table'))).toHaveLength(upstream === small ? 1 : 0);
    expect(sizes.splice(0).at(-1)! > 15_000).toBe(upstream === large);
  }
});
