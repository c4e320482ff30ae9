/** Ways to carry a token over one connection. */
import { once } from 'node:events';
import { Agent, createServer as createHttp1Server, request as requestHttp1 } from 'node:http';
import {
  type Http2Server,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  connect as connectPlain,
  createServer,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, Metadata, Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import { implement, sizeHeaderTables } from '@watchword/grpc';
import { type Traffic, connect, createDispatcherFactory, createIndexing, serverOptions } from '@watchword/http2';
import { Agent as UndiciAgent, Pool, request } from 'undici';

/** Header fields of a request that carry what is to be carried. */
export type Fields = Readonly<Record<string, string>>;

/** A client on one connection. */
export interface Caller {
  call(fields: Fields): Promise<void>;
  close(): Promise<void>;
}

/** A server and the client that goes with it. */
export interface Contender {
  readonly name: string;
  /** Which token it carries. */
  readonly carries: 'bearer' | 'txn-token';
  readonly tables: 'none' | 'initial' | 'sized';
  /** @returns the port, and what stops it */
  serve(traffic: Traffic): Promise<{ readonly port: number; close(): Promise<void> }>;
  dial(port: number, traffic: Traffic): Caller;
}

const PATH = '/orders/1';

/** In the order of the table. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'HTTP/1.1, node:http', carries: 'bearer', tables: 'none', serve: serveHttp1, dial: dialHttp1 },
  { name: 'HTTP/2, node:http2', carries: 'bearer', tables: 'initial', serve: servePlain, dial: dialPlain },
  { name: 'HTTP/2, node:http2', carries: 'txn-token', tables: 'initial', serve: servePlain, dial: dialPlain },
  { name: 'HTTP/2, undici', carries: 'txn-token', tables: 'initial', serve: servePlain, dial: dialUndici },
  { name: 'gRPC, grpc-js', carries: 'txn-token', tables: 'initial', serve: serveGrpc, dial: dialGrpc },
  // undici's own client, with a server that allows more: the client's half is missing.
  { name: 'HTTP/2, undici, server sized', carries: 'txn-token', tables: 'initial', serve: serveSized, dial: dialUndici },
  { name: 'HTTP/2, node:http2', carries: 'txn-token', tables: 'sized', serve: serveSized, dial: dialSized },
  { name: 'HTTP/2, undici over node:http2', carries: 'txn-token', tables: 'sized', serve: serveSized, dial: dialDispatcher },
  { name: 'gRPC, grpc-js', carries: 'txn-token', tables: 'sized', serve: sizedGrpc(serveGrpc), dial: dialSizedGrpc },
];

async function serveHttp1(): ReturnType<Contender['serve']> {
  const server = createHttp1Server((_req, res) => void res.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port: (server.address() as AddressInfo).port, close };
}

function dialHttp1(port: number): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    async call(fields) {
      const req = requestHttp1({ host: '127.0.0.1', port, path: PATH, headers: fields, agent });
      const [res] = await once(req.end(), 'response');
      await once(res.resume(), 'end');
    },
    close: async () => agent.destroy(),
  };
}

function servePlain(): ReturnType<Contender['serve']> {
  return serveHttp2(createServer());
}

function serveSized(traffic: Traffic): ReturnType<Contender['serve']> {
  return serveHttp2(createServer(serverOptions(traffic, { concurrentStreams: 1000 })));
}

async function serveHttp2(server: Http2Server): ReturnType<Contender['serve']> {
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

function dialPlain(port: number): Caller {
  return callerOf(connectPlain(`http://127.0.0.1:${port}`), (headers) => headers);
}

function dialSized(port: number, traffic: Traffic): Caller {
  return callerOf(connect(`http://127.0.0.1:${port}`, traffic), createIndexing());
}

function callerOf(session: ReturnType<typeof connectPlain>, mark: (headers: OutgoingHttpHeaders) => OutgoingHttpHeaders): Caller {
  const ready = once(session, 'remoteSettings');
  return {
    async call(fields) {
      await ready;
      const stream = session.request(mark({ ':path': PATH, ...fields }));
      await once(stream.resume(), 'close');
    },
    close: async () => session.destroy(),
  };
}

function dialUndici(port: number): Caller {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1, allowH2: true, useH2c: true } as Pool.Options);
  return undiciCaller(port, pool);
}

function dialDispatcher(port: number, traffic: Traffic): Caller {
  return undiciCaller(port, new UndiciAgent({ factory: createDispatcherFactory({ traffic }) as never }));
}

function undiciCaller(port: number, dispatcher: Pool | UndiciAgent): Caller {
  return {
    async call(fields) {
      const { body } = await request(`http://127.0.0.1:${port}${PATH}`, { dispatcher, headers: fields });
      await body.dump();
    },
    close: () => dispatcher.close(),
  };
}

const METHOD = '/shop.Orders/Get';
const same = (bytes: Buffer): Buffer => bytes;
const BYTES = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };

async function serveGrpc(): ReturnType<Contender['serve']> {
  const server = new Server();
  const definition = { get: { path: METHOD, requestStream: false, responseStream: false, ...BYTES } };
  server.addService(definition, implement(definition, { get: () => Buffer.alloc(0) }));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, close: async () => server.forceShutdown() };
}

function dialGrpc(port: number): Caller {
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  return {
    call(fields) {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(METHOD, same, same, Buffer.alloc(0), metadata, (error) => (error ? reject(error) : resolve()));
      });
    },
    close: async () => client.close(),
  };
}

function sizedGrpc(serve: () => ReturnType<Contender['serve']>): Contender['serve'] {
  return async (traffic) => {
    const undo = sizeHeaderTables(traffic);
    return serve().finally(undo);
  };
}

function dialSizedGrpc(port: number, traffic: Traffic): Caller {
  let undo = sizeHeaderTables(traffic);
  const caller = dialGrpc(port);
  return {
    // grpc-js connects on its own time: the tables stay sized until the client is closed.
    call: (fields) => caller.call(fields),
    async close() {
      undo();
      undo = () => undefined;
      await caller.close();
    },
  };
}
