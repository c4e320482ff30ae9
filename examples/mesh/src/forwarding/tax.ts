/** Tax, on Fastify, verifying the external token itself. */
import { announce, originOf } from '../process/worker.ts';
import fastify from 'fastify';
import { taxRateOf } from '../shop/catalogue.ts';
import { createAuthenticate } from './authenticate.ts';

const authenticate = createAuthenticate();
const app = fastify();

app.get<{ Params: { country: string } }>('/tax/:country', async (request, reply) => {
  const subject = await authenticate(request.raw).catch(() => undefined);
  if (subject === undefined) return reply.code(401).send();
  return { ...taxRateOf(request.params.country), seenBy: { tax: subject } };
});

await app.listen({ host: '127.0.0.1', port: 0 });
announce({ origin: originOf(app.server.address()) });
