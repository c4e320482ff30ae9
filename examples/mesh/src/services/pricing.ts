/** Pricing, on plain node:http. Asks tax, with a fetch that carries the caller's identity there and nowhere else. */
import { announce, originOf } from '../process/worker.ts';
import { createServer } from 'node:http';
import { createPropagator, currentIdentity } from '@watchword/core';
import { createFetch } from '@watchword/fetch';
import { protect } from '@watchword/http';
import { type Seen, type TaxRate, withTax } from '../shop/catalogue.ts';
import { setting } from './settings.ts';
import { trustGateway } from './trust-gateway.ts';

const tax = setting('TAX_URL');
const fetch = createFetch(createPropagator({ destinations: [tax] }));

const prices = protect(
  trustGateway(),
  async (req, res) => {
    const sku = (req.url ?? '').replace('/prices/', '');
    const response = await fetch(`${tax}/tax/de`);
    const { seenBy, ...rate } = (await response.json()) as Seen<TaxRate>;
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ ...withTax(sku, rate), seenBy: { ...seenBy, pricing: currentIdentity().subject } }));
  },
  { scopes: ['prices.read'] },
);

const server = createServer(prices);
server.listen(0, '127.0.0.1', () => announce({ origin: originOf(server.address()) }));
