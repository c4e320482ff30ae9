/** The worker of a gateway whose configuration changes: it asks the queue that is in force, and works by the rules that are. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { createReceipts, createSqliteQueue } from '@watchword/deferred';
import { expect, onTestFinished, test } from 'vitest';
import type { DeferredConfig } from '../../src/config/sections/deferred.ts';
import type { Deferral } from '../../src/deferred/deferral.ts';
import { runJobs } from '../../src/deferred/run-jobs.ts';
import { createLogger } from '../../src/index.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';

const worker = { concurrency: 4, leaseSeconds: 5, maxAttempts: 8 };

test('goes on with the queue and the keys that a reload has brought, and runs nothing while nobody is trusted', async () => {
  const path = join(temporaryDirectory(), 'queue.db');
  const keys = [randomBytes(32), randomBytes(32)];
  const ran: string[] = [];
  const deferralOf = (name: string, order: readonly Buffer[]): Deferral => ({
    queue: createSqliteQueue({ path, pollMs: 5 }),
    receipts: createReceipts({ keys: order }),
    door: undefined as never,
    work: (jobs) =>
      jobs.map(async ({ request: { target } }) => {
        ran.push(`${target} by ${name}`);
        return { state: 'done', status: 200 } as const;
      }),
  });
  const [first, second] = [deferralOf('first', keys.slice(0, 1)), deferralOf('second', keys.toReversed())];
  const accept = async ({ queue, receipts }: Deferral, target: string): Promise<void> => {
    const nowMs = Date.now();
    const id = randomBytes(16).toString('base64url');
    const times = { acceptedAtMs: nowMs, runBeforeMs: nowMs + 60_000 };
    const facts = { id, ...times, route: 'r', issuer: 'i', client: 'c', fingerprint: id };
    await queue.accept(
      receipts.close(facts, { method: 'GET', target, headers: [], body: Buffer.alloc(0), token: 't', isProven: false }),
    );
  };
  let deferral: Deferral | undefined = first;
  const current = () => ({ deferral, hold: () => () => {} });
  const running = runJobs({ section: { worker } as DeferredConfig, current, logger: createLogger('silent') });
  onTestFinished(async () => {
    await running!.stop({ graceMs: 0 });
    await second.queue.close();
  });
  await accept(first, '/1');
  await expect.poll(() => ran).toEqual(['/1 by first']);
  deferral = undefined;
  await accept(first, '/2');
  await delay(100);
  deferral = second;
  await first.queue.close();
  await accept(second, '/3');
  await expect.poll(() => ran.toSorted(), { timeout: 5000 }).toEqual(['/1 by first', '/2 by second', '/3 by second']);
});
