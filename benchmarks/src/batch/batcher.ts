/** A process that verifies many tokens, in one of the ways that are compared. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { type SignatureChecks, type Verifier, createVerifier, inlineChecks, pooledChecks, verifyBatch } from '@watchword/core';
import { serve } from '../process/worker.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { type KeyFacts, localKeys, policyOf } from './policy.ts';
import type { Preparation, Turn, Variant } from './variants.ts';

let tokens: ReceivedTokens;
let variant: Variant;
let verifier: Verifier;

serve({
  prepare(preparation: Preparation & KeyFacts): void {
    tokens = new ReceivedTokens(preparation.tokenFile);
    variant = preparation.variant;
    verifier = createVerifier({ issuers: [policyOf(preparation, localKeys(preparation))], checks: checksOf(variant) });
  },
  turn,
});

function checksOf(of: Variant): SignatureChecks {
  return of === 'one by one' || of === 'duplicates' ? inlineChecks : pooledChecks;
}

async function turn(): Promise<Turn> {
  const received = Array.from({ length: tokens.count }, (_, index) => tokens.text(index));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // It measures from turn to turn: without one before, a pause at the beginning would not be seen.
  await turnsOfTheLoop();
  const work = watchWork();
  const all = process.cpuUsage();
  const main = process.threadCpuUsage();
  const startMs = performance.now();
  await verifyAll(received);
  const elapsedMs = performance.now() - startMs;
  const [used, own] = [process.cpuUsage(all), process.threadCpuUsage(main)];
  // The pause that is still under way counts when the loop comes round again.
  await turnsOfTheLoop();
  delay.disable();
  const workMs = work();
  return {
    tokensPerSecond: (received.length * 1000) / elapsedMs,
    pauseMs: delay.max / 1e6,
    workMs,
    cpuUs: (used.user + used.system) / received.length,
    mainUs: (own.user + own.system) / received.length,
  };
}

function turnsOfTheLoop(): Promise<void> {
  return new Promise((done) => void setTimeout(done, 5));
}

// Most processor time in milliseconds that this thread has used between two turns of the event loop.
function watchWork(): () => number {
  let most = 0;
  let before = process.threadCpuUsage();
  const watch = setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    most = Math.max(most, (user + system) / 1000);
  }, 1);
  return () => {
    clearInterval(watch);
    return most;
  };
}

async function verifyAll(received: readonly string[]): Promise<void> {
  if (variant === 'one by one') {
    for (const token of received) await verifier.verify(token);
    return;
  }
  const verdicts = await verifyBatch(verifier, received);
  if (verdicts.some(({ token }) => token === undefined)) throw new Error('A good token was refused');
}
