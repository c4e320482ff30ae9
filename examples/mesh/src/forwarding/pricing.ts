/** Pricing, on plain node:http, verifying the external token itself and passing it on by hand. */
import { announce, originOf } from '../process/worker.ts';
import { createServer } from 'node:http';
import { setting } from '../services/settings.ts';
import { type Seen, type TaxRate, withTax } from '../shop/catalogue.ts';
import { createAuthenticate } from './authenticate.ts';

const tax = setting('TAX_URL');
const authenticate = createAuthenticate();

const server = createServer(async (req, res) => {
  const subject = await authenticate(req).catch(() => undefined);
  if (subject === undefined) {
    res.writeHead(401).end();
    return;
  }
  const sku = (req.url ?? '').replace('/prices/', '');
  const response = await fetch(`${tax}/tax/de`, { headers: { authorization: req.headers.authorization ?? '' } });
  const { seenBy, ...rate } = (await response.json()) as Seen<TaxRate>;
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ ...withTax(sku, rate), seenBy: { ...seenBy, pricing: subject } }));
});
server.listen(0, '127.0.0.1', () => announce({ origin: originOf(server.address()) }));
