/** Runs the target in the foreground: same terminal, same signals, same exit code. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { environment } from './runtime.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const PARENT_POLL_MS = 1_000;

/**
 * @param {string} runtime path of the Node to run with
 * @returns {Promise<number>} the exit code; 128 + n for a target that was ended by signal n, as a shell reports it
 */
export function run(runtime, script, args) {
  // The channel carries no messages: its end tells the target that this process is gone, even when it was killed.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(runtime, [script, ...args], { stdio, env: environment(runtime) });
  const forward = SIGNALS.map((signal) => [signal, () => child.kill(signal)]);
  for (const [signal, listener] of forward) process.on(signal, listener);
  const watch = watchParent(() => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    const cleanUp = () => {
      clearInterval(watch);
      for (const [signal, listener] of forward) process.off(signal, listener);
    };
    child.on('error', (error) => {
      cleanUp();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      cleanUp();
      if (child.connected) child.disconnect();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

// An npm that is killed outright tells its script nothing, nor the shell between the two; the script, or on Linux the shell,
// finds itself with another parent.
function watchParent(onOrphaned) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const ancestors = readAncestors();
  return setInterval(() => {
    if (readAncestors() !== ancestors) onOrphaned();
  }, PARENT_POLL_MS);
}

function readAncestors() {
  const parent = process.ppid;
  try {
    const [, grandparent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${parent}/status`, 'utf8'));
    return `${parent} ${grandparent}`;
  } catch {
    // No /proc here, or the parent ended just now.
    return String(parent);
  }
}
