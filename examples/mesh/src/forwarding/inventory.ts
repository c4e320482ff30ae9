/** Inventory, on Express, verifying the external token itself. */
import { announce, originOf } from '../process/worker.ts';
import express from 'express';
import { stockOf } from '../shop/catalogue.ts';
import { createAuthenticate } from './authenticate.ts';

const authenticate = createAuthenticate();
const app = express();

app.get('/stock/:sku', (req, res) => {
  authenticate(req).then(
    (subject) => res.json({ ...stockOf(req.params.sku), seenBy: { inventory: subject } }),
    () => res.status(401).end(),
  );
});

const server = app.listen(0, '127.0.0.1', () => announce({ origin: originOf(server.address()) }));
