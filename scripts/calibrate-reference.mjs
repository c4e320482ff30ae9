/**
 * Measures the reference calibration anew: `npm run calibrate:reference`, about four minutes, on a machine that does nothing else. Writes
 * packages/planner/src/reference-calibration.ts, and says whether the machine was quiet enough. With a file as argument: takes those unit costs, as `watchword calibrate --out` wrote them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';

/** More than a calibration usually has. */
const ROUNDS = 20;
/** Cores of other work, and how far thirds of the rounds may be apart, that still make a reference. */
const LIMITS = { disturbedBy: 0.3, spread: 0.1 };

const root = resolve(import.meta.dirname, '..');
const target = join(root, 'packages/planner/src/reference-calibration.ts');

const calibration = JSON.parse(process.argv[2] === undefined ? measure() : readFileSync(process.argv[2], 'utf8'));
writeFileSync(target, sourceOf(calibration));
run([join(root, 'node_modules/oxfmt/bin/oxfmt'), target]);
console.log(`Written: ${target}`);
for (const line of verdictsOf(calibration.machine)) console.log(line);

function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-reference-'));
  try {
    const out = join(folder, 'costs.json');
    run([join(root, 'packages/cli/bin/watchword.js'), 'calibrate', '--rounds', String(ROUNDS), '--out', out]);
    return readFileSync(out, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root });
  if (status !== 0) throw new Error(`${args[0]} ended with exit code ${status}`);
}

function verdictsOf({ disturbedBy, spread = {} }) {
  const verdict = (met) => (met ? 'met' : 'MISSED: measure again');
  const widest = Math.max(...Object.values(spread));
  return [
    `Other work on at most ${LIMITS.disturbedBy} cores: ${disturbedBy ?? 'unknown'}, ${verdict(disturbedBy <= LIMITS.disturbedBy)}`,
    `Thirds of the rounds within ${LIMITS.spread * 100} %: ${(widest * 100).toFixed(1)} %, ${verdict(widest <= LIMITS.spread)}`,
  ];
}

function sourceOf(costs) {
  const { cpu, cores, node, disturbedBy = 0 } = costs.machine;
  const how =
    disturbedBy > LIMITS.disturbedBy
      ? `Measured while other work kept ${disturbedBy} of the ${cores} cores busy: too high, to be measured again on a quiet machine.`
      : 'Measured on a quiet machine.';
  return `/** Unit costs of a common server, so that planning works before anybody has measured: ${cpu}, ${cores} cores, Node ${node}. */
import type { Calibration } from './calibration.ts';

/**
 * By \`npm run calibrate:reference\`. Measure yours with \`watchword calibrate\`.
 * ${how}
 */
export const REFERENCE_CALIBRATION: Calibration = ${JSON.stringify(costs, undefined, 2)};
`;
}
