/** The process that accepts: the gateway's own door, with the queue behind it, and without HTTP in front. */
import { randomBytes } from 'node:crypto';
import { createLocalKeys, createScreen, systemClock } from '@watchword/core';
import { createReceipts, createSqliteQueue } from '@watchword/deferred';
import { type DeferredDoor, createDoor, inspectHeaders } from '@watchword/gateway';
import { serve } from '../process/worker.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { timed } from './timed.ts';
import type { Preparation, Turn } from './work.ts';

type Accept = Parameters<DeferredDoor['accept']>;

/** Requests that wait for their acceptance at a time: as many as share one sync of the disk. */
const IN_FLIGHT = 256;
const BODY = Buffer.from(JSON.stringify({ order: 4711, items: [{ sku: 'A-100', quantity: 2 }], note: 'x'.repeat(180) }));
const TARGET = '/orders/4711?notify=1';
const ROUTE = { host: undefined, path: '/orders/*', upstream: 'orders', deferredForMs: 3_600_000 };
const DECISION = { route: ROUTE, upstream: 'orders', canonicalPath: '/orders/4711' } as unknown as Accept[2];
/** Of everything, so that a queue that becomes full is not what is measured. */
const NO_LIMITS = { entries: 100_000_000, bytes: 2 ** 40, issuerShare: 1, clientShare: 1 };

let tokens: ReceivedTokens;
let door: DeferredDoor;

serve({
  prepare({ tokenFile, kid, pem, queueFile }: Preparation): void {
    tokens = new ReceivedTokens(tokenFile);
    const keys = createLocalKeys({ issuer: ISSUER, keys: [{ alg: 'ES256', kid, pem }] });
    const screen = createScreen({ issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], keys }] });
    const queue = createSqliteQueue({ path: queueFile, limits: NO_LIMITS });
    const receipts = createReceipts({ keys: [randomBytes(32)] });
    door = createDoor({ queue, receipts, screen, clock: systemClock, bodyBytes: 65_536, statusPath: '/requests' });
  },
  // Reading header fields is HTTP's part, and the same for a request that is verified at once: what it takes alone is subtracted.
  async turn(): Promise<Turn> {
    const before = await timed(tokens.count, readAll);
    const whole = await timed(tokens.count, acceptAll);
    const after = await timed(tokens.count, readAll);
    const less = (figure: 'cpuUs' | 'mainUs'): number => whole[figure] - (before[figure] + after[figure]) / 2;
    return { ...whole, cpuUs: less('cpuUs'), mainUs: less('mainUs') };
  },
});

async function readAll(): Promise<void> {
  for (let index = 0; index < tokens.count; index += 1) headersOf(index);
}

async function acceptAll(): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < tokens.count) {
      const headers = headersOf(next);
      next += 1;
      await acceptOne(headers);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
}

async function acceptOne(headers: Accept[1]): Promise<void> {
  let answered = 0;
  const call = {
    method: 'POST',
    target: TARGET,
    gone: false,
    // Reading a stream is HTTP's part, too.
    openBody: () => [BODY],
    start: (status: number) => void (answered = status),
    end: () => {},
  };
  await door.accept(call as unknown as Accept[0], headers, DECISION, '192.0.2.1');
  if (answered !== 202) throw new Error(`Answered ${answered} where 202 was due`);
}

function headersOf(index: number): Accept[1] {
  const fields = ['Host', 'api.example.com', 'User-Agent', 'shop-web/1.0', 'Accept', 'application/json'];
  fields.push('Content-Type', 'application/json', 'Content-Length', String(BODY.length));
  fields.push('Authorization', `Bearer ${tokens.text(index)}`);
  return inspectHeaders(fields, true);
}
