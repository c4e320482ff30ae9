/** One run: so many threads, each token so many times, each request to a thread by chance. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createSharedTable } from '@watchword/core';
import type { KeyPair } from '../tokens/key-pair.ts';
import { randomOrder } from '../tokens/random-order.ts';
import type { ThreadResult, ThreadTask } from './contract.ts';

/** What is run. */
export interface Run {
  readonly pair: KeyPair;
  readonly warmUp: readonly string[];
  readonly tokens: readonly string[];
  readonly threads: number;
  readonly requestsPerToken: number;
  readonly seed: number;
}

/** What it took. */
export interface Outcome {
  readonly cpuMicrosPerRequest: number;
  readonly checksPerToken: number;
}

/** Runs it once. @throws Error when a thread fails */
export async function measureRun(run: Run, isShared: boolean): Promise<Outcome> {
  const orders = assign(run);
  const gate = new SharedArrayBuffer(8);
  const handle = isShared ? createSharedTable({ entries: 2 * (run.tokens.length + run.warmUp.length) }).handle : undefined;
  const { pair, tokens, warmUp } = run;
  const workers = orders.map((order) => {
    const task: ThreadTask = { algorithm: pair.algorithm, material: pair.material, handle, warmUp, tokens, order, gate };
    return new Worker(new URL('worker.ts', import.meta.url), { workerData: task });
  });
  try {
    const answers = workers.map(async (worker) => (await once(worker, 'message'))[0] as ThreadResult);
    await Promise.race([openGate(new Int32Array(gate), workers.length), Promise.all(answers)]);
    return summarize(await Promise.all(answers), run);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

// Which request goes where is what a balancer without affinity does: chance. The same for both sides of a comparison.
function assign({ tokens, threads, requestsPerToken, seed }: Run): Uint32Array[] {
  const requests = Uint32Array.from({ length: tokens.length * requestsPerToken }, (_, index) => index % tokens.length);
  shuffle(requests, seed);
  const owners = randomOrder(requests.length, threads, seed + 1);
  return Array.from({ length: threads }, (_, thread) => requests.filter((_token, index) => owners[index] === thread));
}

function shuffle(items: Uint32Array, seed: number): void {
  const draws = randomOrder(items.length, 2 ** 32, seed);
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = draws[index]! % (index + 1);
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
}

async function openGate(gate: Int32Array<SharedArrayBuffer>, threads: number): Promise<void> {
  for (let ready = Atomics.load(gate, 0); ready < threads; ready = Atomics.load(gate, 0))
    await Atomics.waitAsync(gate, 0, ready, 1000).value;
  Atomics.store(gate, 1, 1);
  Atomics.notify(gate, 1);
}

function summarize(results: readonly ThreadResult[], { tokens, requestsPerToken }: Run): Outcome {
  const sum = (of: (result: ThreadResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  return {
    cpuMicrosPerRequest: sum(({ cpuMicros }) => cpuMicros) / (tokens.length * requestsPerToken),
    checksPerToken: sum(({ signatureChecks }) => signatureChecks) / tokens.length,
  };
}
