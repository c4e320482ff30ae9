/** Where gateways fetch keys: the key set of each issuer, by its name. It is killed like everything else. */
import { createServer } from 'node:http';
import process from 'node:process';
import { serve } from '../process/worker.ts';

/** What it is started with. */
export interface ProviderOptions {
  readonly port: number;
  /** Key sets, by path. */
  readonly keySets: Readonly<Record<string, object>>;
}

const { port, keySets } = JSON.parse(process.argv[2]!) as ProviderOptions;
const server = createServer((request, response) => {
  const keySet = keySets[request.url!];
  response.writeHead(keySet === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(keySet ?? {}));
});
await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
serve({});
