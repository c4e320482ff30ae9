/** Hosts the suite's service on grpc-js, and calls it: its answers are told in the terms of HTTP. */
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Client,
  type ClientWritableStream,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  credentials,
} from '@grpc/grpc-js';
import type { StartAdapter, SuiteReply, SuiteRequest, SuiteResponse, SuiteRoute } from '@watchword/conformance';
import { ERRORS, toProblem, WatchwordError, type ErrorCode } from '@watchword/core';
import { type Handler, createServerInterceptor, implement } from '@watchword/grpc';

const same = (bytes: Buffer): Buffer => bytes;
export const BYTES = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
} as const;

export const startGrpc: StartAdapter = async ({ pipeline, routes }) => {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const handlers: Record<string, Handler> = {};
  const methods: Record<string, 'public' | { scopes: readonly string[] }> = {};
  for (const route of routes) {
    const path = methodOf(route.path);
    definition[path] = { path, requestStream: route.body !== undefined, responseStream: false, ...BYTES };
    handlers[path] = (call: Readable) => reply(serve(route, call));
    if (route.public) methods[path] = 'public';
    else if (route.scopes) methods[path] = { scopes: route.scopes };
  }
  const server = new Server({ interceptors: [createServerInterceptor(pipeline, { methods })] });
  server.addService(definition, implement(definition, handlers));
  const port = await bind(server);
  // A few connections that callers share.
  const clients = Array.from(
    { length: 4 },
    () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
  let next = 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    answersUnknownRoutes: true,
    send: (request) => send(clients[(next += 1) % clients.length]!, request),
    async close() {
      for (const client of clients) client.close();
      server.forceShutdown();
    },
  };
};

/** Listens on 127.0.0.1. @returns the port */
export function bind(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
  });
}

const methodOf = (path: string): string => `/suite.Service/${path.slice(1).replaceAll('/', '_')}`;

// Not async: a handler that throws at once throws here.
function serve(route: SuiteRoute, call: Readable): SuiteReply | Promise<SuiteReply> {
  if (route.body !== 'json') return route.handler({ stream: call });
  return text(call).then((json) => route.handler({ json: JSON.parse(json) }));
}

function reply(answer: SuiteReply | Promise<SuiteReply>): Buffer | Promise<Buffer> {
  const bytes = ({ json }: SuiteReply): Buffer => Buffer.from(JSON.stringify(json));
  return answer instanceof Promise ? answer.then(bytes) : bytes(answer);
}

function send(client: Client, call: SuiteRequest): Promise<SuiteResponse> {
  const metadata = new Metadata();
  for (const [name, value] of call.headers) metadata.add(name, value);
  const { promise, resolve } = Promise.withResolvers<SuiteResponse>();
  const done = (error: ServiceError | null, body?: Buffer): void => resolve(error ? refusalOf(error) : acceptanceOf(body!));
  const path = methodOf(call.path);
  if (call.method === 'GET') client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, done);
  else void sendChunks(client.makeClientStreamRequest(path, same, same, metadata, done), call);
  return promise;
}

async function sendChunks(stream: ClientWritableStream<Buffer>, call: SuiteRequest): Promise<void> {
  for (const chunk of call.chunks ?? []) {
    stream.write(Buffer.from(chunk));
    await pause(call.pauseMs ?? 0);
  }
  stream.end();
}

function acceptanceOf(body: Buffer): SuiteResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: body.toString() };
}

// A status says with its code and its text what a problem says with its status and its title.
function refusalOf({ code, details, metadata }: ServiceError): SuiteResponse {
  if (code === 12) return { status: 404, headers: {}, body: '' };
  const known = Object.entries(ERRORS).find(([, { grpc, title }]) => grpc === code && title === details);
  if (known === undefined) return { status: 0, headers: {}, body: `${code} ${details}` };
  const { status, headers, body } = toProblem(new WatchwordError(known[0] as ErrorCode));
  const { 'www-authenticate': _, ...plain } = headers;
  const challenge = metadata.get('www-authenticate').map(String);
  return { status, headers: { ...plain, ...(challenge.length > 0 && { 'www-authenticate': challenge.join() }) }, body };
}
