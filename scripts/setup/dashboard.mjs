/** Builds the page of the dashboard, unless it was built from exactly these sources. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './child.mjs';
import { inRoot } from './paths.mjs';

const DASHBOARD = inRoot('apps', 'dashboard');
const STAMP = join(DASHBOARD, 'dist', '.page-stamp');
/** What the page is made of. The lock stands for what is installed. */
const SOURCES = [
  join(DASHBOARD, 'page'),
  join(DASHBOARD, 'src'),
  join(DASHBOARD, 'vite.config.ts'),
  inRoot('packages', 'planner', 'src'),
  inRoot('package-lock.json'),
];

/** @param {string} runtime path of the Node to build with @throws Error when the page can't be built */
export async function buildDashboard(runtime) {
  const wanted = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  const vite = inRoot('node_modules', 'vite', 'bin', 'vite.js');
  const code = await runStep('vite build', runtime, [
    vite,
    'build',
    '--config',
    join(DASHBOARD, 'vite.config.ts'),
    '--logLevel',
    'warn',
  ]);
  if (code !== 0) throw new Error('The page of the dashboard cannot be built (see above)');
  writeFileSync(STAMP, wanted);
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap(filesOf)) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

function filesOf(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}
