/** Hosts the suite's service on node:http2, with requests and responses, and with streams. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  connect,
  createServer,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningServer, StartAdapter, SuiteReply, SuiteRequest, SuiteResponse, SuiteRoute } from '@watchword/conformance';
import {
  type RequestHandler,
  type StreamHandler,
  anonymous,
  anonymousStream,
  protect,
  protectStream,
  serverOptions,
} from '@watchword/http2';

const OPTIONS = serverOptions({ callers: 100 }, { concurrentStreams: 1000 });

export const startRequests: StartAdapter = async ({ pipeline, routes }) => {
  const listeners = new Map(
    routes.map((route) => {
      const handler: RequestHandler = (req, res) =>
        serve(route, req, ({ status, json }) => {
          res.writeHead(status, { 'content-type': 'application/json' });
          res.end(JSON.stringify(json));
        });
      return [`${route.method} ${route.path}`, route.public ? anonymous(handler) : protect(pipeline, handler, scopesOf(route))];
    }),
  );
  const notFound = protect(pipeline, (_req, res) => void res.writeHead(404).end());
  const server = createServer(OPTIONS, (req, res) => (listeners.get(`${req.method} ${req.url}`) ?? notFound)(req, res));
  return running(server);
};

export const startStreams: StartAdapter = async ({ pipeline, routes }) => {
  const listeners = new Map(
    routes.map((route) => {
      const handler: StreamHandler = (stream) =>
        serve(route, stream, ({ status, json }) => {
          stream.respond({ ':status': status, 'content-type': 'application/json' });
          stream.end(JSON.stringify(json));
        });
      const guarded = route.public ? anonymousStream(handler) : protectStream(pipeline, handler, scopesOf(route));
      return [`${route.method} ${route.path}`, guarded];
    }),
  );
  const notFound = protectStream(pipeline, (stream) => stream.respond({ ':status': 404 }, { endStream: true }));
  const server = createServer(OPTIONS);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags, rawHeaders) => {
    const listener = listeners.get(`${headers[':method']} ${headers[':path']}`) ?? notFound;
    void listener(stream, headers, flags, rawHeaders);
  });
  return running(server);
};

const scopesOf = (route: SuiteRoute): object => (route.scopes ? { scopes: route.scopes } : {});

// Not async: a handler that throws at once throws here.
function serve(route: SuiteRoute, body: Readable, write: (reply: SuiteReply) => void): Promise<void> {
  const answer = async (call: object): Promise<void> => write(await route.handler(call));
  return route.body === 'json' ? text(body).then((json) => answer({ json: JSON.parse(json) })) : answer({ stream: body });
}

/** Listens, and lends a client with a few connections that callers share. */
export async function running(server: Http2Server): Promise<RunningServer> {
  const open = new Set<ServerHttp2Session>();
  server.on('session', (session) => open.add(session));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sessions = Array.from({ length: 4 }, () => connect(origin).on('error', () => undefined));
  let next = 0;
  return {
    origin,
    send: (request) => send(sessions[(next += 1) % sessions.length]!, request),
    async close() {
      for (const session of [...sessions, ...open]) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function send(session: ClientHttp2Session, call: SuiteRequest): Promise<SuiteResponse> {
  // A flat list is the form in which node:http2 sends duplicates as they are.
  const fields = [[':method', call.method], [':path', call.path], [':scheme', 'http'], [':authority', 'suite'], ...call.headers];
  const stream = session.request(fields.flat() as never, { endStream: false });
  const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
  answered.catch(() => undefined);
  // From the start: an answer that comes before the request has ended is followed by a reset, which takes what nobody has read.
  const body = text(stream as Readable);
  body.catch(() => undefined);
  for (const chunk of call.chunks ?? []) {
    if (stream.destroyed || stream.writableEnded) break;
    stream.write(chunk);
    await pause(call.pauseMs ?? 0);
  }
  stream.end();
  const [headers] = await answered;
  const plain = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return { status: headers[':status'] as unknown as number, headers: Object.fromEntries(plain), body: await body };
}
