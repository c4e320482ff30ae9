/** Child processes of the set-up steps: output shown as it comes, a line now and then where nothing else shows progress. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { noteStep } from './lock.mjs';
import { ROOT } from './paths.mjs';

const HEARTBEAT_MS = 10_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command in the root of the repository.
 * @param {string} label what to say while it takes long
 * @returns {Promise<number>} its exit code; 1 if it was killed
 * @throws Error when it cannot be started, or when this process is told to stop
 */
export function runStep(label, command, args) {
  const startedMs = Date.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (child.pid !== undefined) noteStep(child.pid);
  // npm shows a progress bar of its own only on a terminal.
  const heartbeat = setInterval(() => {
    console.log(`  ${label}: ${Math.round((Date.now() - startedMs) / 1000)} s`);
  }, HEARTBEAT_MS);
  let interrupted = false;
  const stop = () => {
    interrupted = true;
    child.kill('SIGTERM');
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => (interrupted ? reject(new Error(`Interrupted: ${label}`)) : resolve(code ?? 1)));
  });
  return ended.finally(() => {
    clearInterval(heartbeat);
    for (const signal of SIGNALS) process.off(signal, stop);
  });
}
