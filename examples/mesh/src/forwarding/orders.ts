/** Orders, on Fastify, verifying the external token itself and passing it on by hand. */
import { announce, originOf } from '../process/worker.ts';
import fastify from 'fastify';
import { Agent, request } from 'undici';
import { setting } from '../services/settings.ts';
import type { Price, Seen, Stock } from '../shop/catalogue.ts';
import { createAuthenticate } from './authenticate.ts';

const inventory = setting('INVENTORY_URL');
const pricing = setting('PRICING_URL');
const dispatcher = new Agent();
const authenticate = createAuthenticate();
const app = fastify();

app.get<{ Params: { id: string } }>('/orders/:id', async (incoming, reply) => {
  const subject = await authenticate(incoming.raw).catch(() => undefined);
  if (subject === undefined) return reply.code(401).send();
  const authorization = incoming.headers.authorization ?? '';
  const sku = `article-${incoming.params.id}`;
  const [stock, price] = await Promise.all([
    ask<Seen<Stock>>(`${inventory}/stock/${sku}`, authorization),
    ask<Seen<Price>>(`${pricing}/prices/${sku}`, authorization),
  ]);
  const seenBy = { ...stock.seenBy, ...price.seenBy, orders: subject };
  return { id: incoming.params.id, sku, inStock: stock.inStock, net: price.net, tax: price.tax, seenBy };
});

await app.listen({ host: '127.0.0.1', port: 0 });
announce({ origin: originOf(app.server.address()) });

async function ask<Answer>(url: string, authorization: string): Promise<Answer> {
  const { statusCode, body } = await request(url, { dispatcher, headers: { authorization } });
  if (statusCode !== 200) throw new Error(`${new URL(url).host} answered ${statusCode}`);
  return (await body.json()) as Answer;
}
