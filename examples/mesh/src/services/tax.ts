/** Tax, on Fastify: the end of the chain. */
import { announce, originOf } from '../process/worker.ts';
import { currentIdentity } from '@watchword/core';
import { watchword } from '@watchword/fastify';
import fastify from 'fastify';
import { taxRateOf } from '../shop/catalogue.ts';
import { trustGateway } from './trust-gateway.ts';

const app = fastify();
await app.register(watchword, { pipeline: trustGateway() });

app.get<{ Params: { country: string } }>('/tax/:country', (request) => ({
  ...taxRateOf(request.params.country),
  seenBy: { tax: currentIdentity().subject },
}));

await app.listen({ host: '127.0.0.1', port: 0 });
announce({ origin: originOf(app.server.address()) });
