/** The service behind the proxies: does nothing, and remembers how often. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { serve } from '../process/worker.ts';
import { type Arrived, WHO_AM_I } from './upstream-contract.ts';

const ORDER = Buffer.from(
  JSON.stringify({ id: 4711, state: 'shipped', items: [{ sku: 'A-100', quantity: 2 }], total: '39.90', currency: 'EUR' }),
);
const HEADERS = { 'content-type': 'application/json', 'content-length': String(ORDER.length) };

let requests = 0;

// Connections stay open between the rounds.
const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  requests += 1;
  if (request.url!.endsWith(WHO_AM_I)) {
    const { authorization, 'txn-token': txnToken } = request.headers as Record<string, string>;
    response.end(JSON.stringify({ authorization, txnToken } as Arrived));
    return;
  }
  response.writeHead(200, HEADERS).end(ORDER);
});

serve({
  listen: () =>
    new Promise<string>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    }),
  requests: () => requests,
  cpu: () => process.cpuUsage(),
});
