/** Hosts the suite's service on Fastify. */
import type { Readable } from 'node:stream';
import type { StartAdapter, SuiteRoute } from '@watchword/conformance';
import { watchword } from '@watchword/fastify';
import { type FastifyInstance, fastify } from 'fastify';

export const startFastify: StartAdapter = async ({ pipeline, routes }) => {
  const app = fastify();
  await app.register(watchword, { pipeline });
  // One plugin per kind of body: parsers are encapsulated.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const route of routes) if (route.body === 'stream') add(scope, route);
  });
  for (const route of routes) if (route.body !== 'stream') add(app, route);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { origin: app.listeningOrigin, close: () => app.close() };
};

function add(app: FastifyInstance, route: SuiteRoute): void {
  app.route({
    method: route.method,
    url: route.path,
    config: route.public ? { watchword: { public: true } } : route.scopes ? { watchword: { scopes: route.scopes } } : {},
    handler: (request, reply) => {
      const body = route.body === 'stream' ? { stream: request.body as Readable } : { json: request.body };
      const answer = route.handler({ ...body, identity: request.identity });
      return Promise.resolve(answer).then(({ status, json }) => reply.code(status).send(json));
    },
  });
}
