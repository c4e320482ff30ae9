/** Which Node everything runs on: the repository's own, whatever the machine has. */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { inRoot } from './paths.mjs';

/**
 * Path of a Node that runs TypeScript as it is (22.18 and up).
 * @throws Error with what to do where there is none
 */
export function findRuntime() {
  const own = inRoot('node_modules', '.bin', 'node');
  if (isExecutable(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  throw new Error(
    `Node ${process.versions.node} is too old, and the repository brings its own Node 26 only for Linux on x64 and arm64. ` +
      'Please install Node 26 and try again.',
  );
}

/** The environment for children: their `node`, `tsc`, ... are the repository's. */
export function environment(runtime) {
  const path = [inRoot('node_modules', '.bin'), dirname(runtime), process.env.PATH ?? ''];
  return { ...process.env, PATH: path.join(process.platform === 'win32' ? ';' : ':') };
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
