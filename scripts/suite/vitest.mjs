/** Runs vitest and counts what it did, including what never got as far as being a test. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import process from 'node:process';
import { runStep } from '../setup/child.mjs';
import { ROOT, inRoot } from '../setup/paths.mjs';
import { RUN } from './processes.mjs';

const REPORT = inRoot('.watchword', `vitest.${process.pid}.json`);

/**
 * @param {string[]} args filters and options for vitest
 * @returns {Promise<{ exitCode: number, outcomes: { name: string, status: 'passed' | 'failed' | 'skipped' }[] }>}
 */
export async function runVitest(args) {
  mkdirSync(inRoot('.watchword'), { recursive: true });
  process.env[RUN] = String(process.pid);
  const stall = inRoot('scripts', 'suite', 'stall-reporter.mjs');
  const reporters = ['--reporter=default', `--reporter=${stall}`, '--reporter=json', `--outputFile.json=${REPORT}`];
  const cli = inRoot('node_modules', 'vitest', 'vitest.mjs');
  try {
    const exitCode = await runStep('vitest', process.execPath, [cli, 'run', ...reporters, ...args]);
    return conclude(exitCode, existsSync(REPORT) ? JSON.parse(readFileSync(REPORT, 'utf8')) : undefined);
  } finally {
    rmSync(REPORT, { force: true });
  }
}

/**
 * Counts what a report contains.
 * @param {number} exitCode of vitest
 * @param {{ testResults: object[] } | undefined} report undefined: vitest wrote none
 */
export function conclude(exitCode, report) {
  const outcomes = (report?.testResults ?? []).flatMap(outcomesOfFile);
  const ran = outcomes.some(({ status }) => status !== 'skipped');
  const isExplained = exitCode === 0 || outcomes.some(({ status }) => status === 'failed');
  if (!ran) outcomes.push({ name: 'vitest ran no test', status: 'failed' });
  else if (!isExplained) outcomes.push({ name: `vitest itself (exit code ${exitCode})`, status: 'failed' });
  return { exitCode: exitCode === 0 && !ran ? 1 : exitCode, outcomes };
}

function outcomesOfFile({ name, status, assertionResults }) {
  const file = relative(ROOT, name);
  const outcomes = assertionResults.map((result) => ({ name: `${file} > ${result.fullName}`, status: toStatus(result.status) }));
  // A file that cannot be loaded fails without having any test.
  const isBroken = status === 'failed' && !outcomes.some((outcome) => outcome.status === 'failed');
  return isBroken ? [...outcomes, { name: file, status: 'failed' }] : outcomes;
}

function toStatus(status) {
  return status === 'passed' || status === 'failed' ? status : 'skipped';
}
