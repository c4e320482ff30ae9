/** Inventory, on Express. */
import { announce, originOf } from '../process/worker.ts';
import { currentIdentity } from '@watchword/core';
import { watchword, watchwordErrors } from '@watchword/express';
import express from 'express';
import { stockOf } from '../shop/catalogue.ts';
import { trustGateway } from './trust-gateway.ts';

const app = express();
app.use(watchword(trustGateway(), { scopes: ['stock.read'] }));

app.get('/stock/:sku', (req, res) => {
  res.json({ ...stockOf(req.params.sku), seenBy: { inventory: currentIdentity().subject } });
});

app.use(watchwordErrors());

const server = app.listen(0, '127.0.0.1', () => announce({ origin: originOf(server.address()) }));
