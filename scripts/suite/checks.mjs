/** Checks beside the tests, each counted as one. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';
import { runStep } from '../setup/child.mjs';
import { withLock } from '../setup/lock.mjs';
import { inRoot } from '../setup/paths.mjs';

const tool = (...path) => inRoot('node_modules', ...path);
const TSC = tool('typescript', 'bin', 'tsc');

/** @returns {Promise<{ name: string, status: 'passed' | 'failed' }[]>} */
export async function runChecks() {
  const outcomes = [];
  const check = async (name, script, ...args) => {
    const code = await runStep(name, process.execPath, [script, ...args]);
    console.log(`${code === 0 ? 'ok' : 'not ok'}: ${name}`);
    outcomes.push({ name, status: code === 0 ? 'passed' : 'failed' });
  };
  // The tests of the commands run what this builds.
  await withLock(() => check('types of the sources', TSC, '-b'));
  if (existsSync(inRoot('tsconfig.test.json'))) await check('types of the tests', TSC, '-p', 'tsconfig.test.json');
  await check('lint', tool('oxlint', 'bin', 'oxlint'));
  await check('format', tool('oxfmt', 'bin', 'oxfmt'), '--check');
  for (const name of publishedPackages()) {
    await check(`package ${name}`, tool('publint', 'src', 'cli.js'), inRoot('packages', name), '--strict');
  }
  return outcomes;
}

function publishedPackages() {
  const isPublished = (name) => {
    const manifest = inRoot('packages', name, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).private !== true;
  };
  return readdirSync(inRoot('packages')).filter(isPublished).sort();
}
