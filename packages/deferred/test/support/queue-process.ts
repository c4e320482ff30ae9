/** A process that accepts entries, or works on them, and says what was acknowledged. */
import { openSync, writeSync } from 'node:fs';
import process from 'node:process';
import type { Claim, Queue } from '../../src/index.ts';
import { entryOf } from './queue-harness.ts';

const [role, module, argument, log] = process.argv.slice(2) as [string, string, string, string];
const { openQueue } = (await import(module)) as { openQueue(argument: string): Queue | Promise<Queue> };
const queue = await openQueue(argument);
// What is acknowledged must be out before a kill.
const output = openSync(log, 'a');
const say = (event: string, id: string): void => void writeSync(output, `${event} ${id}\n`);
const AT_ONCE = 16;

if (role === 'accept') for (;;) await Promise.all(Array.from({ length: AT_ONCE }, acceptOne));
if (role === 'work') for (;;) await work(await queue.claim('worker', AT_ONCE, { leaseMs: 300, waitMs: 100 }));
if (role === 'drain') await drain();

async function acceptOne(): Promise<void> {
  const nowMs = Date.now();
  const entry = entryOf({ acceptedAtMs: nowMs, runBeforeMs: nowMs + 3_600_000 });
  const { kind } = await queue.accept(entry);
  if (kind === 'accepted') say('accepted', entry.id);
}

async function work(claims: readonly Claim[]): Promise<void> {
  const ended = await queue.settle(claims.map((claim) => [claim, { state: 'done', status: 200 }] as const));
  for (const [index, { entry }] of claims.entries()) if (ended[index] === true) say('ended', entry.id);
}

async function drain(): Promise<void> {
  for (let idle = 0; idle < 2;) {
    const claims = await queue.claim('last', AT_ONCE, { leaseMs: 10_000, waitMs: 500 });
    await work(claims);
    idle = claims.length === 0 ? idle + 1 : 0;
  }
  say('left', `${(await queue.stats()).depth}`);
  await queue.close();
}
