import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { rawGet, sendRaw } from '../support/raw.ts';
import { startUpstream } from '../support/upstream.ts';

const MEGABYTE = 1_048_576;
const LARGE = { limits: { bodyBytes: 100 * MEGABYTE } };

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function digestOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

function get(edge: TestEdge, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(`${edge.url}${path}`, { headers, agent: false }, resolve).on('error', reject).end();
  });
}

describe('bodies', () => {
  test('a large request body arrives whole, with a length and in chunks', async () => {
    const upstream = await startUpstream(async (request, response) => {
      const sum = await digestOf(request);
      response.end(`${request.headers['content-length'] ?? request.headers['transfer-encoding']} ${sum}`);
    });
    const edge = await startEdge(upstream.url, LARGE);
    const body = randomBytes(8 * MEGABYTE);
    const whole = await fetch(`${edge.url}/api/x`, { method: 'POST', body, headers: edge.bearer() });
    expect(await whole.text()).toBe(`${body.length} ${digest(body)}`);
    const stream = Readable.toWeb(Readable.from([body.subarray(0, 5), body.subarray(5)]));
    const chunked = await fetch(`${edge.url}/api/x`, {
      method: 'POST',
      body: stream,
      headers: edge.bearer(),
      duplex: 'half',
    } as RequestInit);
    expect(await chunked.text()).toBe(`chunked ${digest(body)}`);
  });

  test('a large answer arrives whole, with a length and in chunks', async () => {
    const body = randomBytes(8 * MEGABYTE);
    const upstream = await startUpstream((request, response) => {
      if (request.url!.endsWith('/length')) response.setHeader('content-length', body.length);
      Readable.from([body.subarray(0, 100_000), body.subarray(100_000)]).pipe(response);
    });
    const edge = await startEdge(upstream.url);
    for (const path of ['/api/length', '/api/chunked']) {
      const response = await fetch(`${edge.url}${path}`, { headers: edge.bearer() });
      expect(digest(new Uint8Array(await response.arrayBuffer()))).toBe(digest(body));
    }
  });

  test('short and long answers keep every byte value, whatever their framing', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const bodies = [
      Buffer.alloc(0),
      every.subarray(200, 201),
      every,
      Buffer.concat(Array(16).fill(every)),
      Buffer.concat(Array(17).fill(every)),
    ];
    const upstream = await startUpstream((request, response) => {
      const body = bodies[Number(/\d+$/.exec(request.url!)![0])]!;
      if (request.url!.includes('length')) response.setHeader('content-length', body.length);
      else response.write(body.subarray(0, 1));
      response.end(request.url!.includes('length') ? body : body.subarray(1));
    });
    const edge = await startEdge(upstream.url);
    for (const [index, body] of bodies.entries()) {
      for (const framing of ['length', 'chunked']) {
        const response = await fetch(`${edge.url}/public/${framing}/${index}`);
        expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
      }
    }
  });

  test('the answer starts before the request has ended, and both stream', async () => {
    const upstream = await startUpstream((request, response) => {
      response.flushHeaders();
      request.pipe(response);
    });
    const edge = await startEdge(upstream.url);
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
    const client = httpRequest(`${edge.url}/public/echo`, { method: 'POST', agent: false }, resolve);
    client.write('one');
    const response = await promise;
    const iterator = response[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe('one');
    client.write('two');
    expect(String((await iterator.next()).value)).toBe('two');
    client.end();
    expect((await iterator.next()).done).toBe(true);
  });

  test('a slow client holds the upstream back', async () => {
    let written = 0;
    const upstream = await startUpstream((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const push = (): void => {
        while (written < 200 * MEGABYTE) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', push);
        }
        response.end();
      };
      push();
    });
    const edge = await startEdge(upstream.url);
    const response = await get(edge, '/public/x');
    response.pause();
    let before = -1;
    await vi.waitUntil(
      async () => {
        const stalled = written === before;
        before = written;
        return stalled;
      },
      { interval: 200, timeout: 10_000 },
    );
    // What fits into socket buffers on the way, far from the 200 MB that the upstream would like to send.
    expect(written).toBeLessThan(60 * MEGABYTE);
    response.destroy();
  });

  test('a slow upstream holds the client back', async () => {
    const upstream = await startUpstream((request) => void request.pause());
    const edge = await startEdge(upstream.url, { limits: { bodyBytes: 1000 * MEGABYTE, shutdownTimeoutMs: 50 } });
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
    await vi.waitUntil(
      async () => {
        const stalled = full && written === before;
        before = written;
        return stalled;
      },
      { interval: 200, timeout: 10_000 },
    );
    expect(written).toBeLessThan(60 * MEGABYTE);
    client.destroy();
  });

  test('GET and DELETE with a body, and POST without one', async () => {
    const upstream = await startUpstream(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end(`${request.method} ${request.headers['content-length'] ?? '-'} ${body}`);
    });
    const edge = await startEdge(upstream.url);
    const post = async (method: string, body: string): Promise<string> =>
      (
        await sendRaw(
          edge.port,
          `${method} /public/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        )
      ).body;
    expect(await post('GET', 'abc')).toContain('GET 3 abc');
    expect(await post('DELETE', 'abc')).toContain('DELETE 3 abc');
    expect(await post('POST', '')).toContain('POST 0 ');
    expect((await sendRaw(edge.port, rawGet('/public/x'))).body).toContain('GET - ');
  });
});

describe('answers without a body', () => {
  test('HEAD, 204 and 304 end at once, and the connection goes on', async () => {
    const upstream = await startUpstream((request, response) => {
      const status = Number(/\d+$/.exec(request.url!)?.[0] ?? 200);
      response.writeHead(status, { etag: '"1"', ...(request.method === 'HEAD' ? { 'content-length': '12345' } : {}) });
      response.end();
    });
    const edge = await startEdge(upstream.url);
    const two = `HEAD /public/x HTTP/1.1\r\nHost: a\r\n\r\n${rawGet('/public/204')}`;
    const head = await sendRaw(edge.port, two);
    expect(head.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 12345\r\n[^]*\r\n\r\nHTTP\/1\.1 204 No Content\r\n/);
    const notModified = await sendRaw(edge.port, rawGet('/public/304'));
    expect(notModified.status).toBe(304);
    expect(notModified.body).toBe('');
    expect(notModified.text).toContain('etag: "1"');
  });

  test('interim answers are dropped, the final one arrives', async () => {
    const upstream = await startUpstream((_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.end('final');
    });
    const edge = await startEdge(upstream.url);
    const answer = await sendRaw(edge.port, rawGet('/public/x'));
    expect(answer.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.text).toContain('final');
  });

  test('trailers are dropped', async () => {
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers({ 'x-sum': '1' });
      response.end();
    });
    const edge = await startEdge(upstream.url);
    const answer = await sendRaw(edge.port, rawGet('/public/x'));
    expect(answer.text.toLowerCase()).not.toContain('x-sum');
    expect(answer.text).toMatch(/4\r\nbody\r\n0\r\n\r\n$/);
  });
});

describe('Expect: 100-continue', () => {
  test('another expectation changes nothing: the request is decided like any other', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const expecting = (path: string): string => rawGet(path, ['Expect: something-else']);
    const refused = await sendRaw(edge.port, expecting('/api/x'));
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.body)).toMatchObject({ status: 401 });
    expect((await sendRaw(edge.port, expecting('/public/x'))).status).toBe(200);
    expect(upstream.seen.map(({ headers }) => headers.expect)).toEqual([undefined]);
  });

  test('is answered after the request has been admitted', async () => {
    const upstream = await startUpstream(async (request, response) => response.end(await digestOf(request)));
    const edge = await startEdge(upstream.url);
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
    const client = httpRequest(
      `${edge.url}/api/x`,
      { method: 'POST', agent: false, headers: { ...edge.bearer(), expect: '100-continue', 'content-length': 4 } },
      resolve,
    );
    client.flushHeaders();
    await new Promise((continued) => client.on('continue', continued));
    client.end('body');
    const response = await promise;
    expect(response.statusCode).toBe(200);
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe(digest(Buffer.from('body')));
    expect(upstream.seen[0]!.headers.expect).toBeUndefined();
  });

  test('a refused request gets its refusal instead, and the connection closes', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const request = 'POST /api/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';
    const answer = await sendRaw(edge.port, request);
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('100 Continue');
    expect(upstream.seen).toHaveLength(0);
  });
});

describe('when one side breaks off', () => {
  test('a reset is not the end of an answer that ends with its connection; a close is', async () => {
    const upstream = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (request) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nhalf of it');
        setTimeout(() => (request.includes('/reset') ? socket.resetAndDestroy() : socket.end()), 50);
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void upstream.close());
    const edge = await startEdge(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
    const cut = await sendRaw(edge.port, rawGet('/public/reset'));
    expect(cut.body).toContain('half of it');
    expect(cut.body).not.toMatch(/0\r\n\r\n$/);
    expect((await sendRaw(edge.port, rawGet('/public/close'))).body).toMatch(/half of it\r\n0\r\n\r\n$/);
  });

  for (const [framing, head] of [
    ['a length', 'Content-Length: 1000'],
    ['chunks', 'Transfer-Encoding: chunked'],
  ]) {
    test(`an upstream that dies in a body with ${framing} never looks like a whole answer`, async () => {
      const upstream = await startUpstream((request) => {
        request.socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${framing === 'chunks' ? '5\r\nhello\r\n' : 'hello'}`);
        setTimeout(() => request.socket.destroy(), 50);
      });
      const edge = await startEdge(upstream.url);
      const response = await fetch(`${edge.url}/public/x`);
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
      const raw = await sendRaw(edge.port, rawGet('/public/x'));
      expect(raw.text).toContain('hello');
      expect(raw.text.endsWith('0\r\n\r\n')).toBe(false);
      await vi.waitUntil(() => edge.logs.filter((line) => line.code === 'upstream_unavailable').length === 2);
    });
  }

  test('an upstream that falls silent in the body is cut off', async () => {
    const upstream = await startUpstream((_request, response) => void response.write('hello'));
    const edge = await startEdge(upstream.url, { upstream: { bodyTimeoutMs: 100 } });
    const response = await fetch(`${edge.url}/public/x`);
    await expect(response.text()).rejects.toThrow();
    await vi.waitUntil(() => edge.logs.some((line) => line.code === 'upstream_timeout'));
  });

  test('an upstream that dies before its answer: 502', async () => {
    const upstream = await startUpstream((request) => void request.socket.destroy());
    const edge = await startEdge(upstream.url);
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(502);
    expect((await fetch(`${edge.url}/public/x`, { method: 'POST', body: 'x' })).status).toBe(502);
  });

  test('a client that leaves cancels the upstream request', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<IncomingMessage>();
    const upstream = await startUpstream((request) => arrive(request));
    const edge = await startEdge(upstream.url);
    const socket = connect(edge.port, '127.0.0.1', () => socket.write(rawGet('/public/x')));
    const request = await arrived;
    const closed = new Promise((resolve) => request.socket.on('close', resolve));
    socket.destroy();
    await closed;
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_total{route="/public/*",status="499"} 1'));
  });

  test('a client that leaves in the middle of its body does not complete it', async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    const upstream = await startUpstream((request) => {
      request.on('data', () => {});
      request.on('end', () => end('complete'));
      request.on('error', () => end('aborted'));
    });
    const edge = await startEdge(upstream.url);
    const socket = connect(edge.port, '127.0.0.1', () =>
      socket.write('POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    );
    await vi.waitUntil(() => upstream.seen.length === 1);
    socket.destroy();
    expect(await ended).toBe('aborted');
  });

  test('F5: a client that leaves while its body waits for a connection harms nobody', async () => {
    const held: ServerResponse[] = [];
    const upstream = await startUpstream((request, response) => {
      request.on('error', () => {}).resume();
      if (request.url === '/public/hold') held.push(response);
      else response.end('ok');
    });
    const edge = await startEdge(upstream.url, { upstream: { connections: 1 } });
    const first = fetch(`${edge.url}/public/hold`);
    await vi.waitUntil(() => held.length === 1);
    const socket = connect(edge.port, '127.0.0.1', () =>
      socket.write('POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc'),
    );
    await once(socket, 'connect');
    await delay(50);
    socket.destroy();
    // Without a listener for its error the process would end here.
    await vi.waitUntil(async () => (await edge.metrics()).includes('status="499"} 1'));
    held[0]!.end('held');
    expect(await (await first).text()).toBe('held');
    expect(await (await fetch(`${edge.url}/public/y`)).text()).toBe('ok');
    expect(upstream.seen.map((seen) => seen.target)).toEqual(['/public/hold', '/public/y']);
  });

  test('an early answer of the upstream arrives although the body was not read', async () => {
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(409);
      response.end('conflict');
    });
    const edge = await startEdge(upstream.url, LARGE);
    const body = 'x'.repeat(300_000);
    const first = `POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answer = await sendRaw(edge.port, first + rawGet('/nowhere'));
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('conflict');
    // The rest of the body was read and dropped, not taken for a request.
    expect(answer.text).toContain('HTTP/1.1 404');
  });

  test('a refused request with a body leaves the connection usable', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const body = 'GET /public/smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
    const first = `POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answer = await sendRaw(edge.port, first + rawGet('/public/x'));
    expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
  });
});

describe('F10: a request that takes longer than limits.requestTimeoutMs to arrive', () => {
  const LIMITS = { headersTimeoutMs: 200, requestTimeoutMs: 300, connections: 100 };
  const ROUTES = [
    { path: '/upload', upstream: 'main', public: true },
    { path: '/endless', upstream: 'main', public: true, stream: true },
  ];

  test('is cut off, but not where the route says that it may stream', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { limits: LIMITS, routes: ROUTES });
    const send = (path: string): Promise<string> =>
      slowly(edge.port, `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    expect(await send('/upload')).toBe('');
    expect(await send('/endless')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('nor the request before it on the same connection, nor the one after it', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { limits: LIMITS, routes: ROUTES });
    const endless = 'POST /endless HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok';
    expect(
      await slowly(edge.port, `${endless}POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`),
    ).not.toContain('200 OK\r\n\r\n');
    expect(upstream.seen.filter(({ target }) => target === '/endless')).toHaveLength(1);
  });
});

/** A body that goes on for a while, in chunks. */
async function slowly(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
    .setEncoding('latin1')
    .on('error', () => {});
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (part: string) => (text += part));
  socket.write(head);
  for (let part = 0; part < 8 && !socket.closed; part += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.write('1\r\nx\r\n');
  }
  socket.write('0\r\n\r\n');
  await vi.waitUntil(() => text !== '' || socket.closed);
  return text;
}

describe('F10: a client that takes nothing of its answer', () => {
  test('loses its connection, and the upstream has its own back', async () => {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const upstream = await startUpstream((request, response) => {
      if (request.url === '/public/short') return void response.end('ok');
      response.on('close', close);
      Readable.from(Array(500).fill(Buffer.alloc(MEGABYTE))).pipe(response);
    });
    const edge = await startEdge(upstream.url, { limits: { stallTimeoutMs: 200 }, upstream: { connections: 1 } });
    const socket = connect(edge.port, '127.0.0.1', () => socket.write('GET /public/long HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.on('error', () => {}).pause();
    await closed;
    expect(await (await fetch(`${edge.url}/public/short`)).text()).toBe('ok');
    socket.destroy();
  });

  test('is told apart from one that waits for the upstream', async () => {
    const upstream = await startUpstream((_request, response) => {
      response.write('one');
      setTimeout(() => response.end('two'), 700);
    });
    const edge = await startEdge(upstream.url, { limits: { stallTimeoutMs: 100 } });
    expect(await (await fetch(`${edge.url}/public/x`)).text()).toBe('onetwo');
  });
});

describe('F1: framing that two parsers could read differently', () => {
  const requests: [name: string, rest: string, version?: string][] = [
    ['Content-Length and Transfer-Encoding', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two Content-Lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
    ['a list of Content-Lengths', 'Content-Length: 4, 4\r\n\r\nabcd'],
    ['a signed Content-Length', 'Content-Length: +4\r\n\r\nabcd'],
    ['another transfer coding', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['chunked twice', 'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
    ['chunked in another field value', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a bad chunk size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'],
    ['a folded line', 'X-A: 1\r\n b: 2\r\nContent-Length: 0\r\n\r\n'],
    ['a transfer coding in HTTP/1.0', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'HTTP/1.0'],
    ['a bare line feed', 'X-A: 1\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ];
  for (const [name, rest, version = 'HTTP/1.1'] of requests) {
    test(`F1: ${name}`, async () => {
      const upstream = await startUpstream();
      const edge = await startEdge(upstream.url);
      const answer = await sendRaw(edge.port, `POST /public/x ${version}\r\nHost: a\r\nConnection: close\r\n${rest}`);
      expect([0, 400]).toContain(answer.status);
      expect(upstream.seen.filter((seen) => seen.target !== '/public/x')).toHaveLength(0);
    });
  }
});

describe('many at once', () => {
  test('every caller gets the answer to its own request', async () => {
    const upstream = await startUpstream(async (request, response) => {
      await delay(Math.random() * 5);
      const payload = (request.headers['txn-token'] as string).split('.')[1]!;
      response.end(`${JSON.parse(Buffer.from(payload, 'base64url').toString()).sub} ${request.url}`);
    });
    const edge = await startEdge(upstream.url, { upstream: { connections: 8 } });
    const callers = Array.from({ length: 20 }, (_, index) => ({
      sub: `user-${index}`,
      headers: edge.bearer({ sub: `user-${index}`, jti: `t-${index}` }),
    }));
    await Promise.all(
      Array.from({ length: 600 }, async (_, index) => {
        const { sub, headers } = callers[index % callers.length]!;
        const response = await fetch(`${edge.url}/api/${index}`, { headers });
        expect(await response.text()).toBe(`${sub} /api/${index}`);
      }),
    );
  });
});
