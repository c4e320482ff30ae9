/** One server and one client for each protocol, on one connection. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, createServer as createHttp1Server, get } from 'node:http';
import { type ServerHttp2Session, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, Metadata, Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import { connect, createIndexing, serverOptions } from '@watchword/http2';
import type { Protocol } from '@watchword/planner';

/** Header fields of a request. */
export type Fields = Readonly<Record<string, string>>;

/** A running server. */
export interface HopServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A client with one connection. */
export interface HopClient {
  call(fields: Fields): Promise<void>;
  close(): void;
}

/** How a hop is made. */
export interface HopKind {
  serve(): Promise<HopServer>;
  dial(port: number): HopClient;
}

/** All of them. */
export const HOP_KINDS: Readonly<Record<Protocol, HopKind>> = {
  http1: { serve: serveHttp1, dial: dialHttp1 },
  http2: { serve: serveHttp2, dial: dialHttp2 },
  grpc: { serve: serveGrpc, dial: dialGrpc },
};

const PATH = '/orders/1';
/** Header tables that hold all tokens that are sent here. */
const TRAFFIC = { callers: 1000, tokenBytes: 1400 };

async function serveHttp1(): Promise<HopServer> {
  const server = createHttp1Server((_req, res) => void res.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function dialHttp1(port: number): HopClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    async call(headers) {
      const [res] = (await once(get({ host: '127.0.0.1', port, path: PATH, headers, agent }), 'response')) as [IncomingMessage];
      await once(res.resume(), 'end');
    },
    close: () => agent.destroy(),
  };
}

async function serveHttp2(): Promise<HopServer> {
  const server = createHttp2Server(serverOptions(TRAFFIC, { concurrentStreams: 1000 }));
  const open = new Set<ServerHttp2Session>();
  server.on('session', (session) => open.add(session));
  server.on('stream', (stream) => stream.respond({ ':status': 200 }, { endStream: true }));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const session of open) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function dialHttp2(port: number): HopClient {
  const session = connect(`http://127.0.0.1:${port}`, TRAFFIC);
  const mark = createIndexing();
  const ready = once(session, 'remoteSettings');
  return {
    async call(fields) {
      await ready;
      await once(session.request(mark({ ':path': PATH, ...fields })).resume(), 'close');
    },
    close: () => session.destroy(),
  };
}

const METHOD = '/shop.Orders/Get';
const same = (bytes: Buffer): Buffer => bytes;

async function serveGrpc(): Promise<HopServer> {
  const server = new Server();
  const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  server.addService(
    { get: { path: METHOD, requestStream: false, responseStream: false, ...bytes } },
    { get: (_call: unknown, done: (error: null, value: Buffer) => void) => done(null, Buffer.alloc(0)) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { port, close: async () => server.forceShutdown() };
}

function dialGrpc(port: number): HopClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  return {
    call(fields) {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(METHOD, same, same, Buffer.alloc(0), metadata, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close: () => client.close(),
  };
}
