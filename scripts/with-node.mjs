/**
 * Runs a script with everything it needs, from any Node >= 20 and without dependencies of its own:
 *
 *   install (if missing or stale) -> runtime (the repository's own Node 26) -> build (what is stale) -> run
 *
 *   node scripts/with-node.mjs [--no-build] <script> [arguments ...]
 */
import process from 'node:process';
import { build } from './setup/build.mjs';
import { install } from './setup/install.mjs';
import { withLock } from './setup/lock.mjs';
import { run } from './setup/run.mjs';
import { findRuntime } from './setup/runtime.mjs';

const [script, args, wantsBuild] = readArguments(process.argv.slice(2));
try {
  const runtime = await withLock(async () => {
    await install();
    const found = findRuntime();
    if (wantsBuild) await build(found);
    return found;
  });
  process.exitCode = await run(runtime, script, args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** @returns {[string, string[], boolean]} */
function readArguments(argv) {
  const wantsBuild = argv[0] !== '--no-build';
  const [script, ...args] = wantsBuild ? argv : argv.slice(1);
  if (script === undefined) {
    console.error('usage: node scripts/with-node.mjs [--no-build] <script> [arguments ...]');
    process.exit(2);
  }
  return [script, args, wantsBuild];
}
