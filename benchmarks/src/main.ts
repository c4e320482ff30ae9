/** `npm run bench`: the question, the machine, the tables, and a file with everything. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { HELP, type Options, type SuiteName, readOptions } from './options.ts';
import { describeMachine, machineLine } from './report/machine.ts';
import { drawTargets } from './report/table.ts';
import type { Target } from './report/targets.ts';
import { runGatewaySuite } from './gateway/suite.ts';
import { runVerifySuite } from './verify/suite.ts';

/** A suite: measures and prints; what it gives goes into the file. */
type Suite = (quick: boolean, print: (text: string) => void) => Promise<{ readonly targets: readonly Target[] }>;

const SUITES: Readonly<Record<SuiteName, Suite>> = { verify: runVerifySuite, gateway: runGatewaySuite };

const DEFAULT_FILE = resolve(import.meta.dirname, '../results/latest.local.json');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
process.exitCode = await main();

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) return 2;
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  try {
    await runSuites(options);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

function readArguments(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\nTry: npm run bench -- --help`);
    return undefined;
  }
}

async function runSuites({ suites, quick, json }: Options): Promise<void> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const results: Partial<Record<SuiteName, Awaited<ReturnType<Suite>>>> = {};
  for (const suite of suites) results[suite] = await SUITES[suite](quick, console.log);
  console.log(drawTargets(Object.values(results).flatMap(({ targets }) => targets)));
  const file = json === undefined ? DEFAULT_FILE : resolve(json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ startedAt, quick, machine, ...results }, undefined, 2)}\n`);
  console.log(`\nEvery round: ${file}`);
}
