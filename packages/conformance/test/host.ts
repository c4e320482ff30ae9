/** A small adapter for node:http whose every duty can be done wrong, to see that the suite notices. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { type StartAdapter, type SuiteRoute, closeServer, listen } from '@watchword/conformance';
import {
  type Identity,
  type Pipeline,
  fromHeaders,
  fromRawHeaders,
  runAnonymous,
  runWithIdentity,
  toProblem,
} from '@watchword/core';

/** The duties of an adapter. */
export interface Duties {
  admit(pipeline: Pipeline, req: IncomingMessage, route: SuiteRoute): Identity | undefined | Promise<Identity | undefined>;
  /** Runs the handler in context. */
  enter(identity: Identity | undefined, req: IncomingMessage, work: () => Promise<void>): Promise<void>;
  refuse(res: ServerResponse, thrown: unknown, req: IncomingMessage, route: SuiteRoute): void;
  /** Called before `admit`. */
  before(req: IncomingMessage): Promise<void>;
}

/** All of them done right. */
export const DUTIES: Duties = {
  admit: (pipeline, req, route) =>
    route.public ? undefined : pipeline.admit(fromRawHeaders(req.rawHeaders), route.scopes ? { scopes: route.scopes } : {}),
  enter(identity, req, work) {
    const emit = req.emit;
    const scope = <Result>(inner: () => Result): Result => (identity ? runWithIdentity(identity, inner) : runAnonymous(inner));
    req.emit = (...event: [string]) => scope(() => emit.apply(req, event));
    return scope(work);
  },
  refuse(res, thrown, _req, route) {
    const { status, headers, body } = toProblem(thrown, { scopes: route.scopes ?? [] });
    res.writeHead(status, headers).end(body);
  },
  before: async () => undefined,
};

/** Reads what Node made of the headers, duplicates joined or dropped. */
export const joinedHeaders = (req: IncomingMessage): ReturnType<typeof fromHeaders> =>
  fromHeaders({ get: (name) => (req.headers[name] as string | undefined)?.split(',')[0] ?? null });

/** An adapter that does its duties like that. */
export function startWith(mistake: Partial<Duties>): StartAdapter {
  const duties = { ...DUTIES, ...mistake };
  return async ({ pipeline, routes }) => {
    const server = createServer((req, res) => void serve(duties, pipeline, routes, req, res));
    return { origin: await listen(server), close: () => closeServer(server) };
  };
}

async function serve(
  duties: Duties,
  pipeline: Pipeline,
  routes: readonly SuiteRoute[],
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const none: SuiteRoute = { method: 'GET', path: '', handler: () => ({ status: 404, json: {} }) };
  const route = routes.find(({ method, path }) => method === req.method && path === req.url) ?? none;
  try {
    await duties.before(req);
    const identity = await duties.admit(pipeline, req, route);
    await duties.enter(identity, req, async () => {
      const body = route.body === 'json' ? { json: JSON.parse(await text(req)) } : { stream: req };
      const { status, json } = await route.handler({ ...body, identity });
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    });
  } catch (thrown) {
    duties.refuse(res, thrown, req, route);
  }
}
