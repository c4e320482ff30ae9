/** Hosts the suite's service on Express, of either version. */
import { createServer } from 'node:http';
import { type StartAdapter, type SuiteRoute, closeServer, listen } from '@watchword/conformance';
import { anonymous, requireScopes, watchword, watchwordErrors } from '@watchword/express';
import type express from 'express';
import type { RequestHandler } from 'express';

/** @param host the module `express` */
export function startExpress(host: typeof express): StartAdapter {
  return async ({ pipeline, routes }) => {
    const app = host();
    const publicRoutes = host.Router().use(anonymous());
    const guardedRoutes = host.Router().use(watchword(pipeline));
    for (const route of routes) {
      const router = route.public ? publicRoutes : guardedRoutes;
      const method = route.method === 'GET' ? 'get' : 'post';
      router[method](route.path, ...before(route, host), handlerOf(route));
    }
    app.use(publicRoutes, guardedRoutes, watchwordErrors());
    const server = createServer(app);
    return { origin: await listen(server), close: () => closeServer(server) };
  };
}

function before(route: SuiteRoute, host: typeof express): RequestHandler[] {
  const scopes = route.scopes ? [requireScopes(...route.scopes)] : [];
  return route.body === 'json' ? [...scopes, host.json()] : scopes;
}

function handlerOf(route: SuiteRoute): RequestHandler {
  return (req, res, next) => {
    const reply = route.handler({ stream: req, json: req.body, identity: req.identity });
    Promise.resolve(reply).then(({ status, json }) => res.status(status).json(json), next);
  };
}
