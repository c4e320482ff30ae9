/**
 * The flood, of requests that are refused for one reason or another. It gives way to the regulars, whose times are taken on the same
 * core: what they wait for is the gateway, not the flood's own work.
 */
import { randomBytes } from 'node:crypto';
import { setPriority } from 'node:os';
import { type Rate, Clients, bearerRequest, sendAt } from '../adaptive/clients.ts';
import { serve } from '../process/worker.ts';
import { encode } from '../tokens/sign-token.ts';

/** Why they are refused: a key id that nobody has, another one each time; a signature that is none, another one each time; no token. */
export type Kind = 'unknown key id' | 'bad signature' | 'no token';

/** One flood. */
export interface FloodOrder extends Rate {
  readonly port: number;
  readonly kind: Kind;
  /** A good token, whose claims and signature, or header and claims, the others borrow. */
  readonly token: string;
  readonly algorithm: string;
}

// As far back as can be without another scheduling policy.
setPriority(19);
serve({ flood });

/** @returns answers by status */
async function flood({ port, kind, token, algorithm, ...rate }: FloodOrder): Promise<Readonly<Record<string, number>>> {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const signatureBytes = Buffer.from(signature, 'base64url').length;
  const next: Readonly<Record<Kind, () => Buffer>> = {
    'unknown key id': () => {
      const strange = encode({ alg: algorithm, typ: 'at+jwt', kid: randomBytes(8).toString('hex') });
      return bearerRequest(`${strange}.${payload}.${signature}`);
    },
    'bad signature': () => bearerRequest(`${header}.${payload}.${randomBytes(signatureBytes).toString('base64url')}`),
    'no token': () => Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
  };
  const statuses = new Map<number, number>();
  const clients = new Clients(port, statuses);
  await sendAt(rate, clients, next[kind]);
  clients.end();
  return Object.fromEntries(statuses);
}
