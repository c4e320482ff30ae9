import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  askHttp2,
  block,
  frame,
  openHttp2,
  pseudo,
} from '../support/http2.ts';
import { rawGet, sendRaw } from '../support/raw.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const get = (path: string, fields: Record<string, string | string[]> = {}): Record<string, string | string[]> => ({
  ':path': path,
  ...fields,
});

describe('one port', () => {
  test('speaks HTTP/1.1 and, by prior knowledge, HTTP/2', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    const answer = await askHttp2(session, get('/api/x', edge.bearer()));
    expect(answer).toMatchObject({ status: 200, body: 'ok', code: 0 });
    expect((await fetch(`${edge.url}/api/x`, { headers: edge.bearer() })).status).toBe(200);
    expect(upstream.seen.map((seen) => valuesOf(seen, 'txn-token').length)).toEqual([1, 1]);
    expect(upstream.seen.map((seen) => seen.headers.authorization)).toEqual([undefined, undefined]);
    expect(await edge.metrics()).toContain('watchword_requests_total{route="/api/*",status="200"} 2');
  });

  test('tells them apart however the first bytes are cut', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const preface = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);
    for (const cut of [1, 3, 4, 14, 23, 24, 25]) {
      const socket = connect(edge.port, '127.0.0.1').setNoDelay(true);
      socket.write(preface.subarray(0, cut));
      await delay(10);
      socket.write(preface.subarray(cut));
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first[3], `cut after ${cut}`).toBe(SETTINGS);
      socket.destroy();
    }
    const request = rawGet('/public/x').replace('GET', 'PROPFIND');
    for (const cut of [1, 2, 3, 10]) {
      const socket = connect(edge.port, '127.0.0.1').setNoDelay(true);
      socket.write(request.slice(0, cut));
      await delay(10);
      socket.write(request.slice(cut));
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(String(first)).toMatch(/^HTTP\/1\.1 200 /);
      socket.destroy();
    }
  });

  test('a preface with another end is a malformed HTTP/1.1 request', async () => {
    const edge = await startEdge((await startUpstream()).url);
    expect((await sendRaw(edge.port, 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')).status).toBe(400);
  });

  test('F10: a connection that says nothing, or half a preface, is closed in time', async () => {
    const edge = await startEdge((await startUpstream()).url, { limits: { headersTimeoutMs: 150 } });
    expect((await sendRaw(edge.port, '')).status).toBe(0);
    expect((await sendRaw(edge.port, PREFACE.subarray(0, 20))).status).toBe(0);
    // A connection of HTTP/2 on which nothing is asked ends as well, and is told so.
    expect((await sendRaw(edge.port, Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))).text.length).toBeGreaterThan(9);
  });

  test('F10: so is one whose client neither closes its side nor reads', async () => {
    const edge = await startEdge((await startUpstream()).url, { limits: { headersTimeoutMs: 150, connections: 1 } });
    const socket = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    onTestFinished(() => void socket.destroy());
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
    await delay(50);
    expect((await sendRaw(edge.port, rawGet('/public/x'))).status).toBe(503);
    await vi.waitUntil(async () => (await sendRaw(edge.port, rawGet('/public/x'))).status === 200, { timeout: 5000 });
  });

  test('Upgrade: h2c is ignored, as RFC 9113 permits', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const fields = ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
    const request = rawGet('/public/x', fields).replace('Connection: close', 'Connection: Upgrade, HTTP2-Settings, close');
    expect((await sendRaw(edge.port, request)).status).toBe(200);
    expect(upstream.seen[0]!.headers.upgrade).toBeUndefined();
  });
});

describe('TLS', () => {
  async function startTls(settings: object = {}): Promise<{ edge: TestEdge; ca: string; seen: unknown[] }> {
    const { certFile, keyFile, cert } = makeCertificate();
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { listen: { port: 0, tls: { certFile, keyFile, ...settings } } });
    return { edge, ca: cert, seen: upstream.seen };
  }

  test('ALPN picks the protocol, and without it HTTP/1.1 is spoken', async () => {
    const { edge, ca, seen } = await startTls();
    const session = openHttp2(edge.port, { ca }, 'https');
    expect((await askHttp2(session, get('/api/x', edge.bearer()))).status).toBe(200);
    for (const offered of [['http/1.1'], ['h2', 'http/1.1'], undefined]) {
      const socket = tlsConnect({ port: edge.port, host: '127.0.0.1', ca, ...(offered && { ALPNProtocols: offered }) });
      await once(socket, 'secureConnect');
      expect(socket.alpnProtocol).toBe(offered?.[0] ?? false);
      if (offered?.[0] !== 'h2') {
        socket.write(rawGet('/public/x'));
        expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
      }
      socket.destroy();
    }
    expect((seen as { headers: Record<string, string> }[]).map(({ headers }) => headers['x-forwarded-proto'])).toEqual([
      'https',
      'https',
      'https',
    ]);
  });

  test('F5: handshakes that fail end their own connection only', async () => {
    const { edge, ca } = await startTls({ minVersion: 'TLSv1.3' });
    const odd: { maxVersion?: 'TLSv1.2'; ALPNProtocols?: string[]; servername?: string }[] = [
      { maxVersion: 'TLSv1.2' },
      { ALPNProtocols: ['spdy/3'] },
    ];
    for (const options of odd) {
      const socket = tlsConnect({ port: edge.port, host: '127.0.0.1', ca, ...options });
      await once(socket, 'error');
    }
    expect((await sendRaw(edge.port, rawGet('/public/x'))).text).not.toContain('HTTP/1.1 200');
    for (const servername of ['', 'a'.repeat(200), 'xn--\u00e9', '..', '127.0.0.1.example']) {
      const socket = tlsConnect({ port: edge.port, host: '127.0.0.1', rejectUnauthorized: false, servername });
      socket.on('error', () => {});
      await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => {});
      socket.destroy();
    }
    expect((await askHttp2(openHttp2(edge.port, { ca }, 'https'), get('/public/x'))).status).toBe(200);
  });

  test('a client certificate is asked for, or required', async () => {
    const client = makeCertificate('client-1');
    const stranger = makeCertificate('intruder');
    const { edge, ca } = await startTls({ clientAuth: 'require', clientCaFile: client.certFile });
    const good = openHttp2(edge.port, { ca, cert: client.cert, key: client.key }, 'https');
    expect((await askHttp2(good, get('/public/x'))).status).toBe(200);
    for (const options of [{ ca }, { ca, cert: stranger.cert, key: stranger.key }]) {
      const session = openHttp2(edge.port, options, 'https');
      expect((await Promise.race([askHttp2(session, get('/public/x')), once(session, 'close')])) as unknown).not.toMatchObject({
        status: 200,
      });
    }
  });

  test('a certificate that is not there stops the start', async () => {
    const { certFile } = makeCertificate();
    await expect(
      startEdge('http://127.0.0.1:1', { listen: { port: 0, tls: { certFile, keyFile: '/nowhere.pem' } } }),
    ).rejects.toThrow(/listen\.tls\.keyFile: cannot be read/);
    await expect(startEdge('http://127.0.0.1:1', { listen: { port: 0, tls: { certFile, keyFile: certFile } } })).rejects.toThrow(
      /listen\.tls: certFile and keyFile are not/,
    );
  });
});

describe('what a request says', () => {
  test('cookies are one field again, in their order', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    await askHttp2(openHttp2(edge.port), get('/public/x', { cookie: ['a=1', 'b=2', 'c=3'] }));
    expect(valuesOf(upstream.seen[0]!, 'cookie')).toEqual(['a=1; b=2; c=3']);
  });

  test('the authority is the host, and Host may not say anything else', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    expect((await askHttp2(session, get('/public/x', { host: 'api.example' }))).status).toBe(200);
    expect((await askHttp2(session, get('/public/x', { host: 'other.example' }))).status).not.toBe(200);
    expect(upstream.seen.map(({ headers }) => headers['x-forwarded-host'])).toEqual(['api.example']);
  });

  test('E4: a credential that stands twice is refused, as over HTTP/1.1', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    expect((await askHttp2(session, get('/public/x', { 'txn-token': ['a.b.c', 'd.e.f'] }))).status).toBe(400);
    expect((await askHttp2(session, get('/public/x', { 'txn-token': 'a.b.c', txn_token: 'd.e.f' }))).status).toBe(400);
    expect(upstream.seen).toHaveLength(0);
  });

  test('a body arrives whole, with and without a length, and beyond the limit it is refused', async () => {
    const upstream = await startUpstream((request, response) => {
      let length = 0;
      request.on('error', () => {}).on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => {
        response.end(`${request.headers['content-length'] ?? request.headers['transfer-encoding']} ${length}`);
      });
    });
    const edge = await startEdge(upstream.url, { limits: { bodyBytes: 200_000 } });
    const session = openHttp2(edge.port);
    const post = { ':method': 'POST', ...get('/public/x') };
    const body = Buffer.alloc(150_000, 'a');
    expect((await askHttp2(session, { ...post, 'content-length': '150000' }, body)).body).toBe('150000 150000');
    expect((await askHttp2(session, post, body)).body).toBe('chunked 150000');
    const tooLong = Buffer.alloc(300_000, 'a');
    expect((await askHttp2(session, { ...post, 'content-length': '300000' }, tooLong)).status).toBe(413);
    expect((await askHttp2(session, post, tooLong)).status).toBe(413);
    // The connection goes on.
    expect((await askHttp2(session, get('/public/x'))).status).toBe(200);
  });

  test('Expect: 100-continue is answered after the request has been admitted', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const session = openHttp2(edge.port);
    const fields = { ':authority': 'a', ':method': 'POST', ':path': '/api/x', expect: '100-continue', ...edge.bearer() };
    const stream = session.request(fields, { endStream: false });
    await once(stream, 'continue');
    stream.end('body');
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(200);
  });
});

describe('what an answer says', () => {
  test('HEAD, 204 and large bodies', async () => {
    const upstream = await startUpstream((request, response) => {
      if (request.url === '/public/large') return void response.end(Buffer.alloc(3_000_000, 'x'));
      response.writeHead(request.url === '/public/204' ? 204 : 200, { etag: '"1"' });
      response.end();
    });
    const session = openHttp2((await startEdge(upstream.url)).port);
    expect(await askHttp2(session, { ':method': 'HEAD', ...get('/public/x') })).toMatchObject({ status: 200, body: '', code: 0 });
    expect(await askHttp2(session, get('/public/204'))).toMatchObject({ status: 204, body: '', code: 0 });
    expect((await askHttp2(session, get('/public/large'))).body).toHaveLength(3_000_000);
  });

  test('fields of one connection stay there, repeated ones are kept', async () => {
    const upstream = await startUpstream((request) => {
      request.socket.end(
        'HTTP/1.1 200 OK\r\nConnection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\nUpgrade: h2\r\n' +
          'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      );
    });
    const answer = await askHttp2(openHttp2((await startEdge(upstream.url)).port), get('/public/x'));
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    for (const name of ['connection', 'x-private', 'keep-alive', 'upgrade', 'transfer-encoding'])
      expect(answer.headers[name]).toBeUndefined();
  });

  for (const head of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
    test(`an answer that was cut off is reset, never ended (${head})`, async () => {
      const upstream = await startUpstream((request) => {
        request.socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nhello`);
        setTimeout(() => request.socket.destroy(), 50);
      });
      const answer = await askHttp2(openHttp2((await startEdge(upstream.url)).port), get('/public/x'));
      expect(answer).toMatchObject({ status: 200, code: constants.NGHTTP2_INTERNAL_ERROR });
      expect(answer.body).toContain('hello');
    });
  }

  test('an early answer arrives although the body was not sent', async () => {
    const upstream = await startUpstream((_request, response) => void response.writeHead(409).end('conflict'));
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    const stream = session.request({ ':authority': 'a', ':method': 'POST', ':path': '/public/x' }, { endStream: false });
    stream.on('error', () => {}).write('begin');
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(409);
    stream.resume();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test('gRPC is refused in the way that it reads', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const fields = { ':method': 'POST', te: 'trailers', 'content-type': 'application/grpc' };
    const answer = await askHttp2(openHttp2(edge.port), { ...get('/api/x'), ...fields }, '');
    expect(answer).toMatchObject({ status: 200, body: '', headers: { 'grpc-status': '16' } });
    expect(await edge.metrics()).toContain('watchword_requests_total{route="/api/*",status="401"} 1');
  });
});

describe('when the client breaks off', () => {
  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
    test(`a body that ends in RST_STREAM ${code} is not a whole one`, async () => {
      const { promise: ended, resolve: end } = Promise.withResolvers<string>();
      const upstream = await startUpstream((request) => {
        request.on('data', () => {});
        request.on('end', () => end('complete'));
        request.on('error', () => end('aborted'));
      });
      const edge = await startEdge(upstream.url);
      // Node's client sends END_STREAM before it resets, so the frames are made by hand.
      const socket = connect(edge.port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      const head = frame(HEADERS, END_HEADERS, 1, block(...pseudo('/public/x', 'POST')));
      socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), head, frame(DATA, 0, 1, Buffer.from('hello'))]));
      await vi.waitUntil(() => upstream.seen.length === 1);
      socket.write(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, code])));
      expect(await ended).toBe('aborted');
      socket.destroy();
    });
  }

  test('a cancelled stream cancels the upstream request, and the others go on', async () => {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const upstream = await startUpstream((request, response) => {
      if (request.url === '/public/quick') return void response.end('ok');
      request.socket.on('close', () => close());
    });
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    const stream = session.request({ ':authority': 'a', ':path': '/public/slow' });
    stream.on('error', () => {});
    await vi.waitUntil(() => upstream.seen.length === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;
    expect((await askHttp2(session, get('/public/quick'))).body).toBe('ok');
    await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_total{route="/public/*",status="499"} 1'));
  });

  for (const leave of ['end', 'destroy', 'GOAWAY and end'] as const) {
    test(`F10: one that closes its connection (${leave}) is gone, also where nothing is left to be said`, async () => {
      const { promise: closed, resolve: close } = Promise.withResolvers<void>();
      const upstream = await startUpstream((_request, response) => {
        response.on('close', close);
        response.write('one event');
      });
      const edge = await startEdge(upstream.url);
      const socket = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true });
      let heard = '';
      socket.on('error', () => {}).on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
      const head = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(...pseudo('/public/x', 'GET')));
      socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), frame(SETTINGS, 1, 0), head]));
      await vi.waitUntil(() => heard.includes('one event'));
      if (leave === 'GOAWAY and end') socket.write(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
      if (leave === 'destroy') socket.destroy();
      else socket.end();
      await closed;
      await vi.waitUntil(async () =>
        (await edge.metrics()).includes('watchword_requests_total{route="/public/*",status="499"} 1'),
      );
    });
  }

  test('F10: one that takes nothing of its answer loses it', async () => {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const upstream = await startUpstream((_request, response) => {
      response.on('close', close);
      response.end(Buffer.alloc(50_000_000));
    });
    const edge = await startEdge(upstream.url, { limits: { stallTimeoutMs: 300 } });
    const session = openHttp2(edge.port);
    const stream = session.request({ ':authority': 'a', ':path': '/public/x' });
    stream.on('error', () => {}).pause();
    await closed;
    expect((await askHttp2(session, get('/nowhere'))).status).toBe(404);
  });
});

describe('F10: a refused request whose body nobody reads', () => {
  for (const [name, fields] of [
    ['with trailers', { te: 'trailers' }],
    ['without trailers', {}],
  ] as const) {
    test(`holds no place once it is over (${name})`, async () => {
      // Refused after its body was taken up: there is no upstream.
      const edge = await startEdge('http://127.0.0.1:1', { upstream: { retries: 0 } });
      for (const size of [0, 1, 1000, 16_384, 40_000, 65_535, 65_536, 100_000, 300_000]) {
        const session = openHttp2(edge.port);
        const ask = () => askHttp2(session, { ':method': 'POST', ':path': '/public/x', ...fields }, Buffer.alloc(size));
        for (const { status } of await Promise.all([ask(), ask(), ask()])) expect(status).toBe(502);
        session.destroy();
      }
      await vi.waitUntil(async () => (await edge.metrics()).includes('watchword_requests_running 0\n'));
    });
  }
});

describe('a drain', () => {
  test('tells of its end with GOAWAY, lets streams finish and closes', async () => {
    const answers: (() => void)[] = [];
    const upstream = await startUpstream((_request, response) => void answers.push(() => response.end('late')));
    const edge = await startEdge(upstream.url);
    const session = openHttp2(edge.port);
    const idle = openHttp2(edge.port);
    await once(idle, 'remoteSettings');
    const pending = askHttp2(session, get('/public/x'));
    await vi.waitUntil(() => answers.length === 1);
    const goaway = once(session, 'goaway');
    const closing = edge.close();
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    answers[0]!();
    expect((await pending).body).toBe('late');
    await closing;
  });

  test('does not wait for ever', async () => {
    const upstream = await startUpstream(() => {});
    const edge = await startEdge(upstream.url, { limits: { shutdownTimeoutMs: 200 } });
    const pending = askHttp2(openHttp2(edge.port), get('/public/x'));
    await vi.waitUntil(() => upstream.seen.length === 1);
    await edge.close();
    expect((await pending).status).toBe(0);
  });
});

const hasH2load = ((): boolean => {
  try {
    execFileSync('h2load', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

describe('a client that knows nothing of Node', () => {
  test.skipIf(!hasH2load)('h2load (apt-get install nghttp2-client): 2000 requests, all answered', async () => {
    const edge = await startEdge((await startUpstream()).url);
    const header = `authorization: ${edge.bearer().authorization}`;
    const options = ['-n', '2000', '-c', '4', '-m', '10', '-H', header, `http://127.0.0.1:${edge.port}/api/x`];
    const { stdout } = await promisify(execFile)('h2load', options);
    expect(stdout).toMatch(/2000 succeeded, 0 failed, 0 errored/);
    expect(stdout).toMatch(/status codes: 2000 2xx/);
  });
});
