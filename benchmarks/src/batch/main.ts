/**
 * `npm run bench:batch`. Question: what does it save to verify many tokens in one call, and where does it come from? Workload: 1,000
 * tokens of about 1 KB, nothing cached; one by one, and with each of the three sources of savings alone and together.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, withChildren } from '../process/child.ts';
import { type Core, canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { type Column, countText, drawTable, drawTargets } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { median, medianRatio } from '../statistics.ts';
import { type BenchmarkAlgorithm, type KeyPair, createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import { measureLookUps } from './look-ups.ts';
import { type Turn, type Turns, VARIANTS, type Variant } from './variants.ts';

const HELP = `usage: npm run bench:batch [-- options]    about 1 minute

  --quick       fewer rounds and one algorithm, some seconds: whether it works
  --json FILE   where every round goes (default: nowhere)
  --help        this text

Each variant has a process of its own, all of them bound to the same two cores; they take turns; medians; gains are medians of the
ratios within each round. tokens/s: by the clock. CPU: processor time for one token, all threads. cores: CPU by the clock, so what
the process got of the two. by CPU: the gain of two cores that nobody else uses, by processor time alone, the main thread being one
of the threads. pause: longest time in which the event loop could do nothing else; work: the same, of processor time. key sets fetched: for a batch whose key nobody
knows yet.`;

const TOKENS = 1000;
// A process that verifies half as many tokens a round has its code compiled half as soon: all of them are to be done with it.
const FULL = { algorithms: ['ES256', 'RS256', 'EdDSA'], rounds: 25, warmUpRounds: 30 } as const;
const QUICK = { algorithms: ['ES256'], rounds: 5, warmUpRounds: 3 } as const;
type Plan = typeof FULL | typeof QUICK;

/** What is promised for two cores. */
const CORES = 2;
const GAIN = 2.5;
/** Longest that the event loop may be blocked. */
const PAUSE_LIMIT_MS = 20;

const COLUMNS: readonly Column[] = [
  ['1,000 tokens, half of them twice', 'left'],
  ['tokens/s', 'right'],
  ['gain', 'right'],
  ['CPU', 'right'],
  ['cores', 'right'],
  ['by CPU', 'right'],
  ['pause', 'right'],
  ['work', 'right'],
];

const TITLES: Readonly<Record<Variant, string>> = {
  'one by one': 'one by one, each awaited',
  duplicates: 'batch: duplicates alone (checked on this thread)',
  'all cores': 'batch: all cores alone (every token another one)',
  together: 'batch: both',
};

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await run(options.quick, options.json);

async function run(quick: boolean, json: string | undefined): Promise<void> {
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const plan = quick ? QUICK : FULL;
  const results = [];
  const targets: Target[] = [];
  for (const algorithm of plan.algorithms) {
    const pair = createKeyPair(algorithm);
    const turns = await measure(algorithm, pair, plan);
    showProgress('');
    console.log(`${algorithm}\n${draw(turns)}`);
    const lookUps = await measureLookUps(pair);
    console.log(
      `key sets fetched for a batch whose key nobody knows: ${lookUps.batch}; for as many single verifications at once: ${lookUps.single}\n`,
    );
    targets.push(...targetsOf(algorithm, turns));
    results.push({ algorithm, turns, lookUps });
  }
  console.log(drawTargets(targets));
  if (json !== undefined) writeFileSync(resolve(json), `${JSON.stringify({ machine, quick, results, targets }, undefined, 2)}\n`);
}

function measure(algorithm: BenchmarkAlgorithm, pair: KeyPair, plan: Plan): Promise<Turns> {
  const core: readonly Core[] | undefined = canPin() ? usableCores().slice(0, CORES) : undefined;
  return withTemporaryFolder(async (folder) => {
    const [distinct, doubled] = ['distinct', 'doubled'].map((name) => join(folder, name)) as [string, string];
    const tokens = await signTokens(pair, TOKENS);
    const half = tokens.slice(0, TOKENS / 2);
    writeTokenFile(distinct, tokens);
    // A duplicate does not stand beside its first.
    writeTokenFile(doubled, [...half, ...half]);
    const specs = VARIANTS.map((variant) => ({ name: variant, script: 'batch/batcher.ts', core }));
    return withChildren(specs, async (children) => {
      for (const [index, variant] of VARIANTS.entries()) {
        const tokenFile = variant === 'all cores' ? distinct : doubled;
        const { kid, pem } = pair.material;
        await children[index]!.ask('prepare', { variant, tokenFile, algorithm, kid, pem: pem! });
      }
      return playRounds(algorithm, children, plan);
    });
  });
}

async function playRounds(algorithm: string, children: readonly Child[], plan: Plan): Promise<Turns> {
  const turns: Record<Variant, Turn[]> = { 'one by one': [], duplicates: [], 'all cores': [], together: [] };
  for (let round = -plan.warmUpRounds; round < plan.rounds; round += 1) {
    showProgress(`${algorithm}: ${round < 0 ? 'warming up' : `round ${round + 1} of ${plan.rounds}`}`);
    for (const position of VARIANTS.keys()) {
      const index = (position + round + plan.warmUpRounds) % VARIANTS.length;
      const turn = await children[index]!.ask<Turn>('turn');
      if (round >= 0) turns[VARIANTS[index]!].push(turn);
    }
  }
  return turns;
}

function draw(turns: Turns): string {
  const medianOf = (variant: Variant, figure: (turn: Turn) => number): number => median(turns[variant].map(figure));
  const rows = VARIANTS.map((variant) => [
    TITLES[variant],
    countText(medianOf(variant, ({ tokensPerSecond }) => tokensPerSecond)),
    `${gainOf(turns, variant).toFixed(2)}x`,
    `${medianOf(variant, ({ cpuUs }) => cpuUs).toFixed(1)} us`,
    medianOf(variant, ({ cpuUs, tokensPerSecond }) => (cpuUs * tokensPerSecond) / 1e6).toFixed(2),
    `${gainByCpu(turns, variant).toFixed(2)}x`,
    `${medianOf(variant, ({ pauseMs }) => pauseMs).toFixed(1)} ms`,
    `${medianOf(variant, ({ workMs }) => workMs).toFixed(1)} ms`,
  ]);
  return drawTable(COLUMNS, rows);
}

function targetsOf(algorithm: string, turns: Turns): Target[] {
  const longest = (figure: 'pauseMs' | 'workMs'): number =>
    Math.max(...turns.together.map((turn) => turn[figure] / PAUSE_LIMIT_MS));
  return [
    {
      claim: `${algorithm}: batch with duplicates, of one by one`,
      ratio: gainOf(turns, 'together'),
      limit: GAIN,
      bound: 'at least',
    },
    {
      claim: `${algorithm}: longest pause of any round, of ${PAUSE_LIMIT_MS} ms`,
      ratio: longest('pauseMs'),
      limit: 1,
      bound: 'at most',
    },
    {
      claim: `${algorithm}: longest work between two turns of the event loop, of ${PAUSE_LIMIT_MS} ms`,
      ratio: longest('workMs'),
      limit: 1,
      bound: 'at most',
    },
  ];
}

function gainOf(turns: Turns, variant: Variant): number {
  const speeds = (of: Variant): number[] => turns[of].map(({ tokensPerSecond }) => tokensPerSecond);
  return medianRatio(speeds(variant), speeds('one by one'));
}

// No thread can do more than one core's work, and all together no more than that of all cores.
function gainByCpu(turns: Turns, variant: Variant): number {
  const needs = turns[variant].map(({ cpuUs, mainUs }) => Math.max(mainUs, cpuUs / CORES));
  return medianRatio(
    turns['one by one'].map(({ cpuUs }) => cpuUs),
    needs,
  );
}
