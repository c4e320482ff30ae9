/** Orders, on Fastify. Asks inventory and pricing at the same time, through undici with the caller's identity. */
import { announce, originOf } from '../process/worker.ts';
import { createPropagator, currentIdentity } from '@watchword/core';
import { watchword } from '@watchword/fastify';
import { propagate } from '@watchword/fetch';
import fastify from 'fastify';
import { Agent, request } from 'undici';
import type { Price, Seen, Stock } from '../shop/catalogue.ts';
import { setting } from './settings.ts';
import { trustGateway } from './trust-gateway.ts';

const inventory = setting('INVENTORY_URL');
const pricing = setting('PRICING_URL');
const dispatcher = new Agent().compose(propagate(createPropagator({ destinations: [inventory, pricing] })));

const app = fastify();
await app.register(watchword, { pipeline: trustGateway() });

app.get<{ Params: { id: string } }>('/orders/:id', { config: { watchword: { scopes: ['orders.read'] } } }, async ({ params }) => {
  const sku = `article-${params.id}`;
  const [stock, price] = await Promise.all([
    ask<Seen<Stock>>(`${inventory}/stock/${sku}`),
    ask<Seen<Price>>(`${pricing}/prices/${sku}`),
  ]);
  const seenBy = { ...stock.seenBy, ...price.seenBy, orders: currentIdentity().subject };
  return { id: params.id, sku, inStock: stock.inStock, net: price.net, tax: price.tax, seenBy };
});

await app.listen({ host: '127.0.0.1', port: 0 });
announce({ origin: originOf(app.server.address()) });

async function ask<Answer>(url: string): Promise<Answer> {
  const { statusCode, body } = await request(url, { dispatcher });
  if (statusCode !== 200) throw new Error(`${new URL(url).host} answered ${statusCode}`);
  return (await body.json()) as Answer;
}
