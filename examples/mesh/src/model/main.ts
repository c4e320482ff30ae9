/** `npm run bench:model`: is what the planner predicts what the mesh does? */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import Table from 'cli-table3';
import { Fleet } from '../process/fleet.ts';
import { knownCosts, measuredCosts, readCalibration } from './calibrated.ts';
import { type Comparison, compare, errorText, percentText, summaryOf, verdictText } from './compare.ts';
import { HELP, readModelOptions } from './options.ts';
import { FULL_MODEL_PLAN, QUICK_MODEL_PLAN } from './plan.ts';
import { type LoadResult, runRounds } from './rounds.ts';
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
  const known = options.calibration === undefined ? undefined : readCalibration(options.calibration);
  console.log('1. The mesh: identity provider, gateway, four services, clients');
  const { mesh, driver, facts } = await Promise.race([startMesh(fleet, plan), fleet.broken]);
  console.log(
    `2. ${known === undefined ? 'Unit costs of this machine (watchword calibrate) and the mesh' : 'The mesh'}, in turn`,
  );
  const costs = known === undefined ? await measuredCosts(options.quick) : knownCosts(known);
  const { calibration, loads } = await Promise.race([
    runRounds({ mesh, driver, plan }, facts, costs, (line) => console.log(line)),
    fleet.broken,
  ]).finally(() => costs.close());
  await fleet.close();

  const comparisons = loads.flatMap(compare);
  console.log(`\n3. Predicted and measured\n\n${tableOf(comparisons)}\n\n${notesOf(loads)}`);
  console.log(summaryOf(comparisons));
  if (options.quick) console.log('Quick run: too short to judge the model.');
  const file = resolve(options.json ?? DEFAULT_FILE);
  mkdirSync(dirname(file), { recursive: true });
  const kept = { startedAt, quick: options.quick, facts, calibration, loads, comparisons };
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
  console.log(`Every figure: ${file}`);
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

function notesOf(loads: readonly LoadResult[]): string {
  const byProcess = loads.map(
    ({ name, measured }) =>
      `${name}: ${Object.entries(measured.verificationMicrosByProcess)
        .map(([process_, micros]) => `${process_} ${micros.toFixed(1)}`)
        .join(', ')} us; a request behind the gateway has ${measured.wireBytesPerHop.toFixed(0)} octets on the wire`,
  );
  const steps = loads.map(
    ({ name, measured, predicted }) =>
      `${name}: a hit ${measured.hitMicros.toFixed(1)} us (predicted ${predicted.hitMicros.toFixed(1)}), a first use ${measured.firstUseMicros.toFixed(0)} us (predicted ${predicted.firstUseMicros.toFixed(0)})`,
  );
  const spread = loads.map(
    ({ name, roundErrors, uncertainty, disturbedBy }) =>
      `${name}: ${roundErrors.map(percentText).join(', ')}; another run may differ by ${(uncertainty * 100).toFixed(1)} %, other programs had ${disturbedBy?.toFixed(2) ?? 'nobody knows how many'} cores`,
  );
  return `Measured by process, at ${byProcess.join('\nand at ')}.
In a service, at ${steps.join('; at ')}.
CPU of each round on its own was off by, at ${spread.join('\nand at ')}.`;
}
