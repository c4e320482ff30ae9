/**
 * `npm run bench:adaptive`. Question: how much longer do requests with known tokens take while a flood of new ones, each of which
 * costs a signature check, keeps the server at its limit? Prints a table for each algorithm, and what was promised.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { type Column, countText, drawTable, drawTargets } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { median, medianRatio } from '../statistics.ts';
import { type Plan, type Turn, VARIANTS, playRounds } from './measure.ts';
import { withStage } from './stage.ts';

const HELP = `usage: npm run bench:adaptive [-- options]   about 4 minutes

  --quick       one algorithm and fewer rounds, half a minute: whether it works, not how fast it is
  --json FILE   where the result goes, every round included (default: no file)
  --help        this text`;

const WORKLOAD = `node:http servers with a cached verifier, one checking signatures inline, one adaptively. Regulars: a fixed rate of requests whose
tokens are cached, each time taken from sending to the answer. The flood: connections that stay open with one request at a time on
each, as fast as answers come; with tokens that the server knows, or with valid tokens that it does not know, of which it forgets each
before it comes again (the signature checks are counted). Nobody: the regulars alone. Servers and clients share all cores, as on a
machine that is too small, and the flood gives way to the regulars. Variants alternate in rounds; medians of the rounds; ratios: median
of the ratios within each round.`;

const FULL: Plan = { rounds: 9, turnMs: 1500, connections: 64, requestsPerSecond: 400 };
const QUICK: Plan = { rounds: 3, turnMs: 700, connections: 64, requestsPerSecond: 400 };

/** Most that a flood of new tokens may lengthen the 99th percentile of the regulars. */
const LIMIT = 3;

const COLUMNS: readonly Column[] = [
  ['checks', 'left'],
  ['the regulars share with', 'left'],
  ['their p50', 'right'],
  ['p99', 'right'],
  ['p99, of alone', 'right'],
  ['flood: 200/s', 'right'],
  ['503/s', 'right'],
];

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (values.help) console.log(HELP);
else await run(values.quick, values.json);

async function run(quick: boolean, json: string | undefined): Promise<void> {
  const machine = { ...describeMachine(), pinned: false };
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n\n${WORKLOAD}\n`);
  const plan = quick ? QUICK : FULL;
  const results = [];
  const targets: Target[] = [];
  for (const algorithm of quick ? (['ES256'] as const) : (['ES256', 'RS256'] as const)) {
    const turns = await withStage(algorithm, (stage) => playRounds(stage, plan, algorithm));
    showProgress('');
    console.log(`${algorithm}, ${plan.connections} connections of the flood\n${draw(turns)}\n`);
    results.push({ algorithm, turns });
    targets.push(...targetsOf(algorithm, turns));
  }
  console.log(drawTargets(targets));
  if (json === undefined) return;
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ quick, machine, plan, variants: VARIANTS, results, targets }, undefined, 2)}\n`);
}

type Turns = readonly (readonly Turn[])[];

function draw(turns: Turns): string {
  const rows = VARIANTS.map(([subject, company], index) => {
    const middle = (value: (turn: Turn) => number): number => median(turns[index]!.map(value));
    return [
      subject,
      company,
      `${middle(({ p50Ms }) => p50Ms).toFixed(2)} ms`,
      `${middle(({ p99Ms }) => p99Ms).toFixed(2)} ms`,
      `${against(turns, index, index - (index % 3)).toFixed(2)}x`,
      countText(middle(({ accepted }) => accepted)),
      countText(middle(({ shed }) => shed)),
    ];
  });
  return drawTable(COLUMNS, rows);
}

function targetsOf(algorithm: string, turns: Turns): Target[] {
  const [alone, known, fresh] = [3, 4, 5] as const;
  const claim = (other: string, index: number): Target => ({
    claim: `${algorithm}, adaptive: p99 of known tokens in a flood of new ones, of that ${other}`,
    ratio: against(turns, fresh, index),
    limit: LIMIT,
    bound: 'at most',
  });
  return [claim('in the same flood without misses', known), claim('alone', alone)];
}

function against(turns: Turns, index: number, other: number): number {
  const p99 = (at: number): number[] => turns[at]!.map(({ p99Ms }) => p99Ms);
  return medianRatio(p99(index), p99(other));
}
