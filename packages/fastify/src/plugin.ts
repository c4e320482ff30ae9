/** The Fastify plugin: every route needs an admitted caller unless it says that it is public. */
import {
  type Identity,
  type Pipeline,
  type ProblemContext,
  WatchwordError,
  assertConfig,
  fromRawHeaders,
  toProblem,
  toWatchwordError,
} from '@watchword/core';
import { runAsCaller } from '@watchword/http';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type WatchwordRouteConfig, routeConfig } from './route-config.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    watchword?: WatchwordRouteConfig;
  }
  interface FastifyRequest {
    /** The admitted caller; undefined on public routes. */
    identity: Identity | undefined;
  }
}

/** Options of the plugin. */
export interface WatchwordOptions {
  readonly pipeline: Pipeline;
  /** Protection space named in the challenge of a 401. Default: `watchword`. */
  readonly realm?: string;
}

/**
 * Admits callers before their body is read, and keeps their identity through body parsing, validation, hooks and handler.
 * Refusals and the WatchwordErrors of handlers are answered with problem+json. A request that no route matches is refused
 * like any other, so that only admitted callers learn which routes exist; they get the 404.
 * Register it before any route: `await app.register(watchword, { pipeline })`.
 */
export const watchword: FastifyPluginCallback<WatchwordOptions> = Object.assign(register, {
  // Not encapsulated: guards the instance it is registered on, and everything below that.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@watchword/fastify',
});

function register(...[app, options, done]: Parameters<FastifyPluginCallback<WatchwordOptions>>): void {
  const { pipeline, realm } = options;
  assertConfig(typeof pipeline?.admit === 'function', 'watchword.pipeline: is required');
  // Plugins that were registered earlier would stay open, and the config of earlier routes unchecked: deny by default (E13).
  assertConfig(app.printRoutes() === '(empty tree)', 'watchword: must be registered, with await, before any route');

  const context = ({ scopes }: WatchwordRouteConfig): ProblemContext => ({ ...(realm && { realm }), ...(scopes && { scopes }) });
  const ofRoute = (request: FastifyRequest): WatchwordRouteConfig => routeConfig(request.routeOptions.config, request.routeOptions.url ?? '404');

  const admit = async (request: FastifyRequest): Promise<Identity | undefined> => {
    const config = ofRoute(request);
    return config.public ? undefined : pipeline.admit(fromRawHeaders(request.raw.rawHeaders), config);
  };
  const inherited = app.errorHandler;
  app.decorateRequest('identity', undefined);
  app.addHook('onRoute', (route) => void routeConfig(route.config, `${route.method} ${route.url}`));
  app.addHook('onRequest', (request, reply, next) => {
    admit(request).then(
      (identity) => {
        request.identity = identity;
        runAsCaller(identity, [request.raw, reply.raw], next);
      },
      (thrown: unknown) => refuse(reply, toWatchwordError(thrown), context(request.routeOptions.config.watchword ?? {})),
    );
  });
  // A body parser may call back from anywhere; from here on the context is the caller's again (D5).
  app.addHook('preValidation', (request, _reply, next) => runAsCaller(request.identity, [], next));
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof WatchwordError)) return inherited(error as never, request, reply);
    return refuse(reply, error, context(request.routeOptions.config.watchword ?? {}));
  });
  done();
}

function refuse(reply: FastifyReply, error: WatchwordError, context: ProblemContext): FastifyReply {
  const { status, headers, body } = toProblem(error, context);
  // The code tells an operator why; the answer does not (ER-6).
  reply.log[status >= 500 ? 'error' : 'info']({ code: error.code }, error.message);
  return reply.code(status).headers(headers).send(body);
}
