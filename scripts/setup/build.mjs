/** Compiles the packages (`tsc -b` builds only what is stale), and builds the page of the dashboard. */
import { runStep } from './child.mjs';
import { buildDashboard } from './dashboard.mjs';
import { inRoot } from './paths.mjs';

/** @param {string} runtime path of the Node to compile with @throws Error when the sources do not compile */
export async function build(runtime) {
  const code = await runStep('tsc -b', runtime, [inRoot('node_modules', 'typescript', 'bin', 'tsc'), '-b']);
  if (code !== 0) throw new Error('The sources do not compile (see above)');
  await buildDashboard(runtime);
}
