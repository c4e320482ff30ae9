/** Hosts the suite's service on plain node:http. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { type StartAdapter, type SuiteRoute, closeServer, listen } from '@watchword/conformance';
import { anonymous, protect } from '@watchword/http';

export const startHttp: StartAdapter = async ({ pipeline, routes }) => {
  const listeners = new Map(
    routes.map((route) => {
      const handler = (req: IncomingMessage, res: ServerResponse): Promise<void> => serve(route, req, res);
      const guarded = route.public
        ? anonymous(handler)
        : protect(pipeline, handler, route.scopes ? { scopes: route.scopes } : {});
      return [`${route.method} ${route.path}`, guarded];
    }),
  );
  const notFound = protect(pipeline, (_req, res) => void res.writeHead(404).end());
  const server = createServer((req, res) => (listeners.get(`${req.method} ${req.url}`) ?? notFound)(req, res));
  return { origin: await listen(server), close: () => closeServer(server) };
};

// Not async: a handler that throws at once throws here.
function serve(route: SuiteRoute, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const answer = async (body: object): Promise<void> => {
    const { status, json } = await route.handler(body);
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  };
  return route.body === 'json' ? text(req).then((body) => answer({ json: JSON.parse(body) })) : answer({ stream: req });
}
