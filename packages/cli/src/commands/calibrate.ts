/** `watchword calibrate`: measures what tokens cost on this machine, for the planner. */
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Calibration } from '@watchword/planner';
import { calibrate } from '../calibrate/calibrate.ts';
import { calibrationTable } from '../calibrate/calibration-text.ts';
import { FULL_PLAN, QUICK_PLAN } from '../calibrate/plan.ts';
import { createProgressBar } from '../calibrate/progress-bar.ts';
import { EXIT, type Terminal } from '../terminal.ts';

interface CalibrateOptions {
  readonly quick?: true;
  readonly json?: true;
  readonly out?: string;
  readonly rounds?: number;
}

/** Adds the command. */
export function addCalibrateCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('calibrate')
    .description('Measure what verifying, signing, caching and carrying tokens costs on this machine, in about a minute.')
    .option('-o, --out <file>', 'write the unit costs to a file, for watchword plan')
    .option(
      '--rounds <number>',
      'how often it looks at each pace: more take longer, and depend less on chance (default: 5)',
      readRounds,
    )
    .option('--quick', 'a few seconds: shows that everything works, not how fast it is')
    .option('--json', 'print the unit costs as JSON')
    .addHelpText('after', HELP)
    .action(async (options: CalibrateOptions) => done(await runCalibrate(options, terminal)));
}

async function runCalibrate({ quick, json, out, rounds }: CalibrateOptions, terminal: Terminal): Promise<number> {
  if (out !== undefined && !canWrite(out)) {
    terminal.err(`error: --out: ${out} cannot be written\n`);
    return EXIT.usage;
  }
  const plan = quick ? QUICK_PLAN : FULL_PLAN;
  const bar = createProgressBar(terminal);
  // The processes end with this one.
  terminal.onStopSignal(() => terminal.exit(EXIT.refused));
  let calibration: Calibration;
  try {
    calibration = await calibrate({ ...plan, rounds: rounds ?? plan.rounds }, bar.show);
  } finally {
    bar.end();
  }
  const text = `${JSON.stringify(calibration, undefined, 2)}\n`;
  if (out !== undefined) writeFileSync(out, text);
  terminal.out(json ? text : calibrationTable(calibration));
  const { disturbedBy } = calibration.machine;
  if (disturbedBy !== undefined && disturbedBy > BUSY_CORES)
    terminal.err(`The machine was busy: other work took ${disturbedBy.toFixed(1)} cores. Measure again when it is quiet.\n`);
  if (quick) terminal.err('A quick run: too short for figures to plan with.\n');
  if (out !== undefined) terminal.err(`Written to ${out}: watchword plan --calibration ${out}\n`);
  return EXIT.ok;
}

const MOST_ROUNDS = 100;

function readRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_ROUNDS}.`);
  return rounds;
}

// Better known before the minute than after it. Nothing is made yet: a calibration that fails leaves no file behind.
function canWrite(file: string): boolean {
  try {
    if (existsSync(file)) accessSync(file, constants.W_OK);
    else accessSync(dirname(resolve(file)), constants.W_OK);
    return !existsSync(file) || statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Cores of other work from which on the figures are doubtful. */
const BUSY_CORES = 0.3;

const HELP = `
It starts a gateway and four services, each a process on loopback, and measures processor time inside them: under load, with 16 requests on
their way, and at 50 requests per second and between, where each step takes more, because what it needs was pushed out of the processor's caches. Five
rounds, of which the middle counts; how far thirds of them are apart is printed. Octets are counted on the wire. Nothing leaves the machine; all processes end with the command. Close what else keeps the machine busy.

Examples:
  $ watchword calibrate --out costs.json
  $ watchword calibrate --quick --json | jq .algorithms.ES256`;
