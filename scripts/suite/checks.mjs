/** Checks beside the tests, each counted as one. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
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
  await withLock(async () => {
    await check('types of the sources', TSC, '-b');
    const page = inRoot('apps', 'dashboard', 'vite.config.ts');
    await check('page of the dashboard', tool('vite', 'bin', 'vite.js'), 'build', '--config', page, '--logLevel', 'warn');
  });
  if (existsSync(inRoot('tsconfig.test.json'))) await check('types of the tests', TSC, '-p', 'tsconfig.test.json');
  await check('lint', tool('oxlint', 'bin', 'oxlint'));
  await check('format', tool('oxfmt', 'bin', 'oxfmt'), '--check');
  for (const { name, folder } of publishedPackages()) {
    await check(`package ${name}`, tool('publint', 'src', 'cli.js'), folder, '--strict');
  }
  return outcomes;
}

function publishedPackages() {
  const isPublished = ({ folder }) => {
    const manifest = join(folder, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).private !== true;
  };
  const foldersIn = (parent) => readdirSync(inRoot(parent)).map((name) => ({ name, folder: inRoot(parent, name) }));
  return ['packages', 'apps']
    .flatMap(foldersIn)
    .filter(isPublished)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}
