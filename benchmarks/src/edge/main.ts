/**
 * `npm run bench:edge`. Question: how many requests does one core of a proxy handle that finds out who is calling? Workload: GET
 * requests with the tokens of 300 users over 64 connections that stay open; the same nginx behind all proxies.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { bystanderLine, coresInUse } from '../report/bystanders.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { drawTargets } from '../report/table.ts';
import { checkProxies } from './check.ts';
import { playRounds } from './measure.ts';
import { type EdgePlan, edgePlan } from './plan.ts';
import { type EdgeResult, drawEdge, edgeTargets } from './report.ts';
import { assertInstalled, withStage } from './stage.ts';
import { drawThreads, playThreads, threadsTargets } from './threads.ts';

const HELP = `usage: npm run bench:edge [-- options]    about 6 minutes; needs nginx, haproxy and wrk

  --quick       one algorithm, fewer and shorter rounds, under a minute: whether it works, not how fast it is
  --threads     only what a second thread brings, about 2 minutes
  --json FILE   where every round goes (default: nowhere)
  --help        this text

Before the time is taken, every user has come through every proxy and the service has seen who is calling; forged, expired, wrongly
addressed and missing tokens were answered 401. Every answer that is counted was a good one. The proxy whose turn it is has one core
to itself, load and service share another. CPU: processor time of all processes that a proxy consists of, for each request; ratios are
medians of the ratios within each round. HAProxy checks the signature each time, the others remember. At the end the gateway with one
thread, with two, and two gateways that share nothing, all processes on all cores; what a second thread brings where it has a core of its
own is reckoned from the processor time for a request. Targets that are missed are marked in the table; they don't make the run fail.`;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values: options } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        threads: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (options.help) console.log(HELP);
    else await measure(edgePlan(options.quick, options.threads), options.json);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

async function measure(plan: EdgePlan, json: string | undefined): Promise<void> {
  assertInstalled();
  const machine = describeMachine();
  const inUse = await coresInUse();
  const lines = [
    machineLine(machine),
    bystanderLine(inUse),
    plan.isQuick ? 'Quick run: too short for figures to be quoted.' : undefined,
  ];
  console.log(`${lines.filter((line) => line !== undefined).join('\n')}\n`);
  const results: EdgeResult[] = [];
  for (const algorithm of plan.onlyThreads ? [] : plan.algorithms) {
    const result = await withStage(algorithm, plan, async (stage) => {
      showProgress(`${algorithm}: checking the proxies`);
      await checkProxies(stage);
      return { algorithm, turns: await playRounds(stage, algorithm, plan) };
    });
    showProgress('');
    console.log(`${drawEdge(result)}\n`);
    results.push(result);
  }
  const threads = await playThreads(plan);
  console.log(`${drawThreads(threads)}\n`);
  const targets = [...edgeTargets(results), ...threadsTargets(threads)];
  console.log(drawTargets(targets));
  if (json !== undefined)
    writeFileSync(
      resolve(json),
      `${JSON.stringify({ machine, coresInUse: inUse, plan, results, threads, targets }, undefined, 2)}\n`,
    );
}
