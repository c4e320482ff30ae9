/** An identity provider that publishes one key, and counts who asks for it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../process/worker.ts';

let fetches = 0;

serve({ listen, fetches: () => fetches });

async function listen(jwk: object): Promise<string> {
  const body = JSON.stringify({ keys: [jwk] });
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
}
