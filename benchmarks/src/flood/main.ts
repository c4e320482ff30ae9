/**
 * `npm run bench:flood` (scorecard row S14). Question: what does a flood of unknown key ids do to everybody else? Workload: a gateway
 * whose issuer publishes one key; regulars with good tokens at a fixed rate; 100,000 unknown key ids a minute beside them, or none.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { RegularsReport } from '../adaptive/regulars.ts';
import { WATCHWORD, portOf } from '../edge/proxies.ts';
import { type Child, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { drawTable, drawTargets } from '../report/table.ts';
import { median, medianRatio } from '../statistics.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';

const HELP = `usage: npm run bench:flood [-- options]    about 4 minutes

  --quick       fewer and shorter rounds, half a minute: whether it works, not how it is
  --json FILE   where every round goes (default: nowhere)
  --help        this text

Regulars: so many requests a second with tokens that the gateway knows, each timed from sending to the answer. All of theirs must be
answered 200, all of the flood's 401. Turns with and without the flood alternate; medians of the rounds.`;

const ALGORITHM = 'ES256';
const REGULARS_PER_SECOND = 1000;
/** 100,000 in 60 s. */
const FLOOD_PER_SECOND = 1667;
const FULL = { rounds: 15, turnMs: 6000 };
const QUICK = { rounds: 3, turnMs: 2000 };

// Answers the parent's first question, which is how it knows that the process is there.
const CPU_METER = ['--import', join(import.meta.dirname, '../process/cpu-meter.ts')];

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await run(options.quick, options.json);

interface Turn {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly fetches: number;
}

async function run(quick: boolean, json: string | undefined): Promise<void> {
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const plan = quick ? QUICK : FULL;
  const turns = await withStage((stage) => playRounds(stage, plan));
  showProgress('');
  const p99 = { calm: turns.calm.map(({ p99Ms }) => p99Ms), flooded: turns.flooded.map(({ p99Ms }) => p99Ms) };
  const rows = (['calm', 'flooded'] as const).map((weather) => [
    weather === 'calm' ? 'alone' : `beside ${FLOOD_PER_SECOND} unknown key ids a second`,
    `${median(turns[weather].map(({ p50Ms }) => p50Ms)).toFixed(3)} ms`,
    `${median(p99[weather]).toFixed(3)} ms`,
    String(turns[weather].reduce((sum, { fetches }) => sum + fetches, 0)),
  ]);
  const columns = [
    ['regulars', 'left'],
    ['p50', 'right'],
    ['p99', 'right'],
    ['key sets fetched', 'right'],
  ] as const;
  console.log(drawTable(columns, rows));
  const ratio = medianRatio(p99.flooded, p99.calm);
  const targets = [{ claim: 'p99 of the regulars in the flood, of that alone', ratio, limit: 1.1, bound: 'at most' as const }];
  console.log(drawTargets(targets));
  if (json !== undefined)
    writeFileSync(resolve(json), `${JSON.stringify({ machine, quick, plan, turns, targets }, undefined, 2)}\n`);
}

interface Stage {
  readonly port: number;
  readonly issuer: Child;
  readonly regulars: Child;
  readonly intruders: Child;
  readonly tokenFile: string;
  readonly token: string;
}

function withStage<Result>(work: (stage: Stage) => Promise<Result>): Promise<Result> {
  const [core, others] = canPin() ? usableCores() : [];
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(ALGORITHM);
    const tokens = await signTokens(pair, 100);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, tokens);
    const neighbours = [
      { name: 'issuer', script: 'flood/issuer.ts', core: others },
      { name: 'upstream', script: 'gateway/upstream.ts', core: others },
      { name: 'regulars', script: 'adaptive/regulars.ts', core: others },
      { name: 'intruders', script: 'flood/intruders.ts', core: others },
    ];
    return withChildren(neighbours, async ([issuer, upstream, regulars, intruders]) => {
      const jwksUrl = await issuer!.ask<string>('listen', pair.material.jwk);
      const config = join(folder, 'watchword.yaml');
      writeFileSync(config, configOf(jwksUrl, await upstream!.ask<string>('listen')));
      const gateway = { name: 'gateway', script: WATCHWORD, args: ['gateway', '--config', config], nodeOptions: CPU_METER, core };
      return withChildren([gateway], async ([running]) => {
        const port = await portOf(running!);
        return work({ port, issuer: issuer!, regulars: regulars!, intruders: intruders!, tokenFile, token: tokens[0]! });
      });
    });
  });
}

function configOf(jwksUrl: string, upstreamUrl: string): string {
  return JSON.stringify({
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: [ALGORITHM], jwksUrl, allowInsecure: true }],
    txnToken: { trustDomain: 'shop.example.com' },
    upstreams: { orders: { url: upstreamUrl } },
    routes: [{ path: '/', upstream: 'orders' }],
    log: { level: 'error' },
  });
}

async function playRounds(stage: Stage, { rounds, turnMs }: typeof FULL): Promise<Record<'calm' | 'flooded', Turn[]>> {
  const turns: Record<'calm' | 'flooded', Turn[]> = { calm: [], flooded: [] };
  for (let round = 0; round <= rounds; round += 1) {
    showProgress(`round ${round} of ${rounds}`);
    for (const weather of round % 2 === 0 ? (['calm', 'flooded'] as const) : (['flooded', 'calm'] as const)) {
      const turn = await playTurn(stage, weather === 'flooded', turnMs);
      // Compilers warm up in the first.
      if (round > 0) turns[weather].push(turn);
    }
  }
  return turns;
}

async function playTurn(stage: Stage, isFlooded: boolean, durationMs: number): Promise<Turn> {
  const { port, issuer, regulars, intruders, tokenFile, token } = stage;
  const before = await issuer.ask<number>('fetches');
  const order = { port, token, algorithm: ALGORITHM, requestsPerSecond: FLOOD_PER_SECOND, durationMs };
  const flooding = isFlooded ? intruders.ask<Record<string, number>>('flood', order) : Promise.resolve({});
  const visit = { port, tokenFile, requestsPerSecond: REGULARS_PER_SECOND, durationMs };
  const [refused, report] = await Promise.all([flooding, regulars.ask<RegularsReport>('visit', visit)]);
  assertAnswers(report.statuses, '200');
  assertAnswers(refused, '401');
  const { p50Ms, p99Ms } = report;
  return { p50Ms, p99Ms, fetches: (await issuer.ask<number>('fetches')) - before };
}

function assertAnswers(statuses: Readonly<Record<string, number>>, expected: string): void {
  const others = Object.keys(statuses).filter((status) => status !== expected);
  if (others.length > 0) throw new Error(`Answered ${others.join(', ')} where ${expected} was due`);
}
