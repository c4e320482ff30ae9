/** An identity provider that misbehaves on request: real HTTP on loopback. It serves whatever path is asked for. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Jwk } from '../../src/keys/jwk.ts';
import { type TestKey, testKey } from './keys.ts';

/** Answers one request. */
export type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

export interface JwksServer {
  readonly url: string;
  /** What it does from now on. */
  behaviour: Behaviour;
  /** Requests so far, to any path. */
  readonly requests: number;
  /** Responses that are still open. */
  readonly open: number;
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback interface. */
export async function startJwksServer(behaviour: Behaviour): Promise<JwksServer> {
  let requests = 0;
  let open = 0;
  const server = createServer((request, response) => {
    requests += 1;
    open += 1;
    response.on('close', () => {
      open -= 1;
    });
    response.on('error', () => {});
    current.behaviour(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const current: JwksServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    behaviour,
    get requests() {
      return requests;
    },
    get open() {
      return open;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return current;
}

/** The public half of a key, as it is published. */
export function published(key: TestKey, changes: object = {}): object {
  return { ...key.publicKey!.export({ format: 'jwk' }), alg: key.alg, kid: key.kid, use: 'sig', ...changes };
}

/** Answers with a set of these keys. */
export function serving(...keys: readonly object[]): Behaviour {
  return answering(JSON.stringify({ keys }));
}

/** Answers with status 200 and these bytes. */
export function answering(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/jwk-set+json', ...headers });
    response.end(body);
  };
}

/** Answers metadata requests with this document, any other one as `behaviour` does. */
export function describing(metadata: unknown, behaviour: Behaviour): Behaviour {
  const document = answering(JSON.stringify(metadata), { 'content-type': 'application/json' });
  return (response, request) => (request.url!.includes('/.well-known/') ? document : behaviour)(response, request);
}

const MEGABYTE = Buffer.alloc(1 << 20, ' ');

// Sends as fast as it is read, and stops when nobody listens.
function pour(response: ServerResponse, megabytes: number): void {
  if (megabytes === 0) response.end('{"keys":[]}');
  else if (response.write(MEGABYTE)) setImmediate(pour, response, megabytes - 1);
  else response.once('drain', () => pour(response, megabytes - 1));
}

/** Everything that goes wrong, by name. `good` is a set that would be fine in another wrapping. */
export function misbehaviours(good: readonly object[]): Readonly<Record<string, Behaviour>> {
  const goodText = JSON.stringify({ keys: good });
  return {
    hangs: () => {},
    'resets the connection': (response) => response.socket!.resetAndDestroy(),
    'closes without an answer': (response) => response.socket!.destroy(),
    'answers 500': (response) => response.writeHead(500).end('{}'),
    'answers 404 with a good set': (response) => response.writeHead(404).end(goodText),
    'answers 204': (response) => response.writeHead(204).end(),
    'answers 206 with a good set': (response) => response.writeHead(206).end(goodText),
    'answers 503 without end': (response) => {
      response.writeHead(503);
      pour(response, 1000);
    },
    'answers HTML': answering('<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' }),
    'answers a good set as HTML': answering(goodText, { 'content-type': 'Text/HTML; charset=utf-8' }),
    'answers nothing': answering(''),
    'sends 50 MB': (response) => pour(response.writeHead(200), 50),
    'promises 50 MB and hangs': (response) => response.writeHead(200, { 'content-length': String(50 << 20) }).write('{'),
    'drips a byte at a time': (response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
    'breaks off in the middle': (response) => {
      response.writeHead(200, { 'content-length': String(goodText.length) });
      response.write(goodText.slice(0, -10), () => response.socket!.destroy());
    },
    'redirects to a good set': (response, request) => {
      if (request.url === '/jwks') response.writeHead(302, { location: '/elsewhere' }).end();
      else response.writeHead(200).end(goodText);
    },
    'sends a gzip bomb': answering(gzipSync(Buffer.alloc(50 << 20, ' ')), { 'content-encoding': 'gzip' }),
    'sends a brotli bomb': answering(brotliCompressSync(Buffer.alloc(50 << 20, ' ')), { 'content-encoding': 'br' }),
    'sends an encoding that nobody knows': answering(goodText, { 'content-encoding': 'constructor' }),
    'sends hints without end': (response) => {
      const timer = setInterval(() => response.writeEarlyHints({ link: '</style.css>; rel=preload' }), 20);
      response.on('close', () => clearInterval(timer));
    },
    'changes the protocol': (response) => response.writeHead(101, { connection: 'upgrade', upgrade: 'websocket' }).end(),
    'answers 999': (response) => response.writeHead(999).end(goodText),
    'sends broken gzip': answering('not gzip at all', { 'content-encoding': 'gzip' }),
    'sends invalid UTF-8': answering(
      Buffer.concat([Buffer.from(goodText.slice(0, -1)), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]),
    ),
    'sends headers without end': (response) => {
      response.socket!.write(`HTTP/1.1 200 OK\r\n${'x-filler: 0123456789\r\n'.repeat(10_000)}`);
    },
    'sends a list': answering('[]'),
    'sends null': answering('null'),
    'sends a string': answering('"keys"'),
    'sends keys that are no list': answering('{"keys":{"0":{}}}'),
    'sends JSON nested 100,000 deep': answering('['.repeat(100_000)),
    'sends two JSON texts': answering(goodText + goodText),
    'sends an empty set': answering('{"keys":[]}'),
    'sends a set of junk': answering('{"keys":[null,1,"x",[],{},{"kty":"EC"},{"kty":"__proto__"}]}'),
    'sends a set of secrets': answering(JSON.stringify({ keys: [{ kty: 'oct', kid: 'good', alg: 'HS256', k: 'A'.repeat(64) }] })),
    'sends two keys under one key id': serving(...good, published(testKey('ES256', 'twin'), { kid: (good[0] as Jwk)?.kid })),
    'sends 101 keys': answering(JSON.stringify({ keys: Array.from({ length: 101 }, () => good[0]) })),
  };
}
