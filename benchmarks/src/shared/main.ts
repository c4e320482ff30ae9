/**
 * `npm run bench:shared`. Question: when is a table of proven tokens, shared by the threads of a machine, worth it? Workload: real
 * threads, each with a verifier and a cache of its own; tokens of 1 KB, each so many times, every request to a thread by chance.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createSharedTable } from '@watchword/core';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { drawTargets } from '../report/table.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { type Outcome, type Run, measureRun } from './measure.ts';
import { type Point, drawBreakEven, drawPoints, targetsOf } from './report.ts';

const HELP = `usage: npm run bench:shared [-- options]    about 4 minutes

  --quick       fewer tokens, threads and rounds, under a minute: whether it works, not how fast it is
  --json FILE   where every round goes (default: nowhere)
  --help        this text

checks: signature checks for each distinct token. CPU: processor time of all threads for each request. gain: how many times
the CPU without the table is that with it.`;

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
const FULL = { tokens: 2000, rounds: 3, threads: [1, 2, 4], requestsPerToken: [1, 2, 4, 16, 64] };
const QUICK = { tokens: 400, rounds: 1, threads: [1, 4], requestsPerToken: [1, 4, 64] };

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await measure(options.quick, options.json);

async function measure(isQuick: boolean, json: string | undefined): Promise<void> {
  const machine = { ...describeMachine(), pinned: false };
  console.log(`${machineLine(machine)}${isQuick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const points = await measureAll(isQuick ? QUICK : FULL);
  const table = createSharedTable({ entries: 10_000 });
  const targets = targetsOf(points, table.handle.buffer.byteLength / table.capacity);
  for (const text of [drawPoints(points), drawBreakEven(points), drawTargets(targets)]) console.log(text);
  if (json !== undefined)
    writeFileSync(resolve(json), `${JSON.stringify({ machine, isQuick, points, targets }, undefined, 2)}\n`);
}

async function measureAll(plan: typeof FULL): Promise<Point[]> {
  const points: Point[] = [];
  for (const algorithm of ALGORITHMS) {
    const pair = createKeyPair(algorithm);
    const [tokens, warmUp] = [await signTokens(pair, plan.tokens), await signTokens(pair, 300)];
    for (const threads of plan.threads)
      for (const requestsPerToken of plan.requestsPerToken) {
        showProgress(`${algorithm}, ${threads} threads, ${requestsPerToken} requests per token`);
        const run = { pair, warmUp, tokens, threads, requestsPerToken, seed: 1 };
        points.push({ algorithm, threads, requestsPerToken, ...(await measureRounds(run, plan.rounds)) });
      }
  }
  showProgress('');
  return points;
}

// Both sides in each round, in turns, so that they see the machine in the same state.
async function measureRounds(run: Run, rounds: number): Promise<Pick<Point, 'alone' | 'shared'>> {
  const alone: Outcome[] = [];
  const shared: Outcome[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const seeded = { ...run, seed: 10 * round + 1 };
    alone.push(await measureRun(seeded, false));
    shared.push(await measureRun(seeded, true));
  }
  return { alone, shared };
}
