/** `npm run bench:model`: is what the planner predicts what the mesh does? */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import Table from 'cli-table3';
import type { Calibration } from '@watchword/planner';
import { Fleet } from '../process/fleet.ts';
import { calibrateNow, readCalibration } from './calibrated.ts';
import { type Comparison, compare, errorText, verdictText } from './compare.ts';
import { type Measured, measureLoad } from './load.ts';
import { HELP, readModelOptions } from './options.ts';
import { FULL_MODEL_PLAN, QUICK_MODEL_PLAN } from './plan.ts';
import { type MeshFacts, predict } from './predict.ts';
import { startMesh } from './stage.ts';

const DEFAULT_FILE = resolve(import.meta.dirname, '../../../../benchmarks/results/model.local.json');

process.exitCode = await main();

async function main(): Promise<number> {
  const fleet = new Fleet();
  const end = (): void => void fleet.close().then(() => process.exit(130));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    const options = readModelOptions(process.argv.slice(2));
    if (options.help) console.log(HELP);
    else await run(fleet, options);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await fleet.close();
  }
}

async function run(fleet: Fleet, options: ReturnType<typeof readModelOptions>): Promise<void> {
  const plan = options.quick ? QUICK_MODEL_PLAN : FULL_MODEL_PLAN;
  const startedAt = new Date().toISOString();
  console.log('1. Unit costs of this machine\n');
  const calibration =
    options.calibration === undefined ? await calibrateNow(options.quick) : readCalibration(options.calibration);
  console.log('\n2. The mesh: identity provider, gateway, four services, clients');
  const { mesh, driver, facts } = await Promise.race([startMesh(fleet, plan), fleet.broken]);
  const load = { mesh, driver, plan };
  // In this order: a system that gets 50 requests per second has run for hours, and its code has been compiled.
  const highest = await Promise.race([measureLoad({ ...load, measuredMs: plan.measuredMs.highest }), fleet.broken]);
  console.log(
    `   ${highest.requests} requests at ${highest.requestsPerSecond.toFixed(0)} per second, the highest rate that this machine can drive`,
  );
  const rare = await Promise.race([
    measureLoad({ ...load, perSecond: plan.perSecond, measuredMs: plan.measuredMs.rare }),
    fleet.broken,
  ]);
  console.log(`   ${rare.requests} requests at ${rare.requestsPerSecond.toFixed(0)} per second\n`);

  const loads = [rare, highest].map((measured) => withPrediction(measured, facts, calibration, measured === highest));
  const comparisons = loads.flatMap(({ name, predicted, measured }) => compare(name, predicted, measured));
  console.log(`3. Predicted and measured\n\n${tableOf(comparisons)}\n\n${notesOf(loads)}`);
  if (options.quick) console.log('Quick run: too short to judge the model.');
  const file = resolve(options.json ?? DEFAULT_FILE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify({ startedAt, quick: options.quick, facts, calibration, loads, comparisons }, undefined, 2)}\n`,
  );
  console.log(`Every figure: ${file}`);
}

interface Load {
  readonly name: string;
  readonly predicted: ReturnType<typeof predict>;
  readonly measured: Measured;
}

function withPrediction(measured: Measured, facts: MeshFacts, calibration: Calibration, isSaturated: boolean): Load {
  const { requestsPerSecond } = measured;
  return {
    name: `${requestsPerSecond.toFixed(0)}/s`,
    predicted: predict(facts, calibration, requestsPerSecond, isSaturated),
    measured,
  };
}

function tableOf(comparisons: readonly Comparison[]): string {
  const table = new Table({
    head: ['load', 'figure', 'predicted', 'measured', 'off by', 'target'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const comparison of comparisons) {
    const { load, figure, predicted, measured } = comparison;
    table.push([load, figure, predicted.toFixed(1), measured.toFixed(1), errorText(comparison), verdictText(comparison)]);
  }
  return table.toString();
}

function notesOf(loads: readonly Load[]): string {
  const byProcess = loads.map(
    ({ name, measured }) =>
      `${name}: ${Object.entries(measured.verificationMicrosByProcess)
        .map(([process_, micros]) => `${process_} ${micros.toFixed(1)}`)
        .join(', ')} us; a request behind the gateway has ${measured.wireBytesPerHop.toFixed(0)} octets on the wire`,
  );
  return `Measured by process, at ${byProcess.join('\nand at ')}.`;
}
