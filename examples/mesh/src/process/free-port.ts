/** Ports that are free now and will not be taken by an outgoing connection meanwhile. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the range from which Linux takes the local ports of outgoing connections (32768 and up).
const FIRST = 20_000;
const LAST = 32_000;
const ATTEMPTS = 50;

/** Finds a free port on loopback. Only for addresses that must be known before their process runs; all others listen on port 0. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port found between ${FIRST} and ${LAST}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
