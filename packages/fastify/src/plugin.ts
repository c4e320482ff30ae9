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
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
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
export const watchword: FastifyPluginAsync<WatchwordOptions> = Object.assign(register, {
  // Not encapsulated: guards the instance it is registered on, and everything below that.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@watchword/fastify',
});

// Async, since Fastify takes only a rejection for a failure to start.
async function register(app: FastifyInstance, { pipeline, realm }: WatchwordOptions): Promise<void> {
  assertConfig(typeof pipeline?.admit === 'function', 'watchword.pipeline: is required');
  // Plugins that were registered earlier would stay open, and the config of earlier routes unchecked: deny by default (E13).
  assertConfig(app.printRoutes() === '(empty tree)', 'watchword: must be registered, with await, before any route');
  const inherited = app.errorHandler;
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: WatchwordError): FastifyReply =>
    answer(reply, error, { ...(realm && { realm }), scopes: request.routeOptions.config.watchword?.scopes ?? [] });

  app.decorateRequest('identity', undefined);
  app.addHook('onRoute', (route) => void routeConfig(route.config, `${route.method} ${route.url}`));
  app.addHook('onRequest', (request, reply, next) => {
    const enter = async (): Promise<unknown> => {
      try {
        request.identity = await admit(pipeline, request);
      } catch (thrown) {
        return refuse(request, reply, toWatchwordError(thrown));
      }
      return runAsCaller(request.identity, [request.raw, reply.raw], next);
    };
    void enter();
  });
  // Hooks and streams before the body is parsed may call back from anywhere; from here on the context is the caller's (D5).
  app.addHook('preValidation', (request, _reply, next) => runAsCaller(request.identity, [], next));
  app.setErrorHandler((error, request, reply) =>
    error instanceof WatchwordError ? refuse(request, reply, error) : inherited(error as FastifyError, request, reply),
  );
}

async function admit(pipeline: Pipeline, request: FastifyRequest): Promise<Identity | undefined> {
  const config = routeConfig(request.routeOptions.config, request.routeOptions.url ?? 'not found');
  // rawHeaders: the only form in which Node keeps duplicates apart (B5, E4, TT-25).
  return config.public ? undefined : pipeline.admit(fromRawHeaders(request.raw.rawHeaders), config);
}

function answer(reply: FastifyReply, error: WatchwordError, context: ProblemContext): FastifyReply {
  const { status, headers, body } = toProblem(error, context);
  // The code tells an operator why; the answer does not (ER-6).
  reply.log[status >= 500 ? 'error' : 'info']({ code: error.code }, error.message);
  return reply.code(status).headers(headers).send(body);
}
