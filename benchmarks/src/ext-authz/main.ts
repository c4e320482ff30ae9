/**
 * `npm run bench:ext-authz`. Question: how long does Envoy wait for a decision? Workload: ES256 tokens of 1 KB, each seen before, as
 * Envoy describes requests; first as many as the service can answer, then half of that, at fixed times whether answered or not.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { countText, drawTable } from '../report/table.ts';
import { median, medianRatio } from '../statistics.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import type { Latencies } from './load.ts';

const HELP = `usage: npm run bench:ext-authz [-- options]    about a minute

  --quick       one short round: whether it works, not how fast it is
  --json FILE   where every round goes (default: nowhere)
  --help        this text

saturation: answers per second with 64 questions at a time. Latency: at half of that, from when a question was due. bare: a
grpc-js server that reads and decides nothing, in turns with ours. CPU: processor time of the server for one answer.`;

const FULL = { tokens: 1000, rounds: 5, seconds: 4 };
const QUICK = { tokens: 50, rounds: 1, seconds: 1 };
const IN_FLIGHT = 64;
const LIMIT_MS = 5;

interface Round extends Latencies {
  readonly saturation: number;
  readonly cpuMicros: number;
}

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await measure(options.quick, options.json);

async function measure(isQuick: boolean, json: string | undefined): Promise<void> {
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${isQuick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const rounds = await measureAll(isQuick ? QUICK : FULL);
  const p99 = median(rounds.watchword.map((round) => round.p99));
  console.log(draw(rounds));
  const ratio = medianRatio(
    rounds.watchword.map((round) => round.cpuMicros),
    rounds.bare.map((round) => round.cpuMicros),
  );
  console.log(`A decision costs ${ratio.toFixed(2)}x the processor time of a bare gRPC answer.`);
  console.log(`p99 at half of saturation: ${p99.toFixed(2)} ms: ${p99 < LIMIT_MS ? 'PASS' : 'short'} (below ${LIMIT_MS} ms)`);
  if (json !== undefined) writeFileSync(resolve(json), `${JSON.stringify({ machine, isQuick, rounds, p99 }, undefined, 2)}\n`);
}

type Kind = 'watchword' | 'bare';

function measureAll(plan: typeof FULL): Promise<Record<Kind, Round[]>> {
  const [server, others] = canPin() ? usableCores() : [];
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair('ES256');
    const jwksFile = join(folder, 'jwks.json');
    writeFileSync(jwksFile, JSON.stringify({ keys: [pair.material.jwk] }));
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, await signTokens(pair, plan.tokens));
    const specs = [
      { name: 'watchword', script: 'ext-authz/server.ts', core: server },
      { name: 'bare', script: 'ext-authz/server.ts', core: server },
      { name: 'load', script: 'ext-authz/load.ts', core: others },
    ];
    return withChildren(specs, async ([watchword, bare, load]) => {
      await load!.ask('load', tokenFile);
      const rounds: Record<Kind, Round[]> = { watchword: [], bare: [] };
      const stage = { watchword: watchword!, bare: bare! };
      const ports = { watchword: 0, bare: 0 };
      for (const kind of ['watchword', 'bare'] as const) {
        ports[kind] = await stage[kind].ask<number>('listen', { kind, jwksFile });
        // Every token once, and the code warm.
        await load!.ask('saturate', { port: ports[kind], inFlight: IN_FLIGHT, seconds: plan.seconds });
      }
      for (let round = 0; round < plan.rounds; round += 1) {
        for (const kind of ['watchword', 'bare'] as const) {
          showProgress(`round ${round + 1} of ${plan.rounds}: ${kind}`);
          rounds[kind].push(await measureRound(stage[kind], load!, ports[kind], plan.seconds));
        }
      }
      showProgress('');
      return rounds;
    });
  });
}

async function measureRound(server: Child, load: Child, port: number, seconds: number): Promise<Round> {
  const before = await server.ask<NodeJS.CpuUsage>('cpu');
  const saturation = await load.ask<number>('saturate', { port, inFlight: IN_FLIGHT, seconds });
  const after = await server.ask<NodeJS.CpuUsage>('cpu');
  const cpuMicros = (after.user + after.system - before.user - before.system) / (saturation * seconds);
  const latencies = await load.ask<Latencies>('openLoop', { port, perSecond: saturation / 2, seconds });
  if (latencies.failed > 0) throw new Error(`${latencies.failed} good tokens were refused`);
  return { ...latencies, saturation, cpuMicros };
}

function draw(rounds: Record<Kind, Round[]>): string {
  const columns = [
    ['medians of the rounds', 'left'],
    ['answers/s', 'right'],
    ['CPU', 'right'],
    ['p50', 'right'],
    ['p99', 'right'],
    ['p99.9', 'right'],
  ] as const;
  const rows = (['watchword', 'bare'] as const).map((kind) => {
    const of = (value: (round: Round) => number): number => median(rounds[kind].map(value));
    const ms = (value: (round: Round) => number): string => `${of(value).toFixed(2)} ms`;
    const name = kind === 'bare' ? 'bare grpc-js server' : 'Watchword ext_authz';
    return [
      name,
      countText(of((round) => round.saturation)),
      `${of((round) => round.cpuMicros).toFixed(0)} us`,
      ms((round) => round.p50),
      ms((round) => round.p99),
      ms((round) => round.p999),
    ];
  });
  return drawTable(columns, rows);
}
