/** A service further down: a real server that writes down which Txn-Tokens reach it. */
import { type Server, createServer } from 'node:http';
import { type ServerHttp2Session, type ServerHttp2Stream, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { TXN_TOKEN_HEADER, fromRawHeaders } from '@watchword/core';
import type { DownstreamProtocol } from './contract.ts';

/** One request as it arrived. */
export interface Arrival {
  readonly path: string;
  /** Every value of the `Txn-Token` field, under any spelling, not joined. */
  readonly tokens: readonly string[];
}

/** A server on loopback that answers 200, or a redirect to what `/redirect?to=` says. */
export interface Downstream {
  readonly origin: string;
  /** What arrived since the last call of `take`. */
  take(): Arrival[];
  close(): Promise<void>;
}

/** Starts one. */
export function startDownstream(protocol: DownstreamProtocol = 'http/1.1'): Promise<Downstream> {
  return protocol === 'h2c' ? startHttp2() : startHttp1();
}

async function startHttp1(): Promise<Downstream> {
  const arrivals: Arrival[] = [];
  // On a busy machine a connection that was closed for being idle is used again by whoever has not heard of it.
  const server = createServer({ keepAliveTimeout: 600_000 }, (req, res) => {
    const path = req.url!;
    arrivals.push(arrivalOf(path, req.rawHeaders));
    req.resume();
    const to = redirectionOf(path);
    if (to === null) res.end('{}');
    else res.writeHead(302, { location: to }).end();
  });
  const origin = await listen(server);
  return {
    origin,
    take: () => arrivals.splice(0),
    close: () => closeServer(server),
  };
}

async function startHttp2(): Promise<Downstream> {
  const arrivals: Arrival[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers, _flags, rawHeaders) => {
    const path = headers[':path']!;
    arrivals.push(arrivalOf(path, rawHeaders));
    stream.on('error', () => undefined).resume();
    if (headers['content-type']?.startsWith('application/grpc')) answerCall(stream);
    else answer(stream, redirectionOf(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => arrivals.splice(0),
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function arrivalOf(path: string, rawHeaders: readonly string[]): Arrival {
  return { path, tokens: fromRawHeaders(rawHeaders).values(TXN_TOKEN_HEADER) };
}

function redirectionOf(path: string): string | null {
  return new URL(path, 'http://downstream').searchParams.get('to');
}

function answer(stream: ServerHttp2Stream, to: string | null): void {
  stream.respond(to === null ? { ':status': 200 } : { ':status': 302, location: to });
  stream.end('{}');
}

// One empty message and the status of success.
function answerCall(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

/** Listens on 127.0.0.1 and a free port. @returns the origin */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Stops listening and ends idle connections. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
