/**
 * The flood: tokens that look good but for a key id that nobody has, another one each time. It gives way to the regulars, whose times
 * are taken on the same core: what they wait for is the gateway, not the flood's own work.
 */
import { randomBytes } from 'node:crypto';
import { getPriority, setPriority } from 'node:os';
import { type Rate, Clients, bearerRequest, sendAt } from '../adaptive/clients.ts';
import { serve } from '../process/worker.ts';
import { encode } from '../tokens/sign-token.ts';

/** One flood. */
export interface FloodOrder extends Rate {
  readonly port: number;
  /** A good token, whose claims and signature the others borrow. */
  readonly token: string;
  readonly algorithm: string;
}

setPriority(Math.min(19, getPriority() + 10));
serve({ flood });

/** @returns answers by status */
async function flood({ port, token, algorithm, ...rate }: FloodOrder): Promise<Readonly<Record<string, number>>> {
  const [, payload, signature] = token.split('.') as [string, string, string];
  const statuses = new Map<number, number>();
  const clients = new Clients(port, statuses);
  await sendAt(rate, clients, () => {
    const header = encode({ alg: algorithm, typ: 'at+jwt', kid: randomBytes(8).toString('hex') });
    return bearerRequest(`${header}.${payload}.${signature}`);
  });
  clients.end();
  return Object.fromEntries(statuses);
}
