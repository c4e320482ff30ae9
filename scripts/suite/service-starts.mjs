/** Keeps package scripts from starting the daemons that they install (invoke-rc.d(8), /usr/share/doc/init-system-helpers). */
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';

/** What `invoke-rc.d` asks before it starts anything: 101 is "no". */
const POLICY = '#!/bin/sh\n# For the time of an installation; may be removed.\nexit 101\n';

/**
 * Runs `work` while no service can be started, then puts everything back as it was, also after Ctrl-C. On a machine with systemd nginx would
 * otherwise take port 80, and redis-server port 6379.
 */
export async function withoutServiceStarts(work, path = '/usr/sbin/policy-rc.d') {
  const kept = `${path}.before-watchword`;
  // A run that was killed has left its own file behind, and the real one beside it.
  if (exists(kept)) renameSync(kept, path);
  if (exists(path) && !isOurs(path)) renameSync(path, kept);
  let interrupted;
  const note = (signal) => (interrupted = signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, note);
  try {
    writeFileSync(path, POLICY);
    chmodSync(path, 0o755);
    return await work();
  } finally {
    if (exists(kept)) renameSync(kept, path);
    else rmSync(path, { force: true });
    // What arrived while a command ran is told only now.
    await new Promise((resolve) => setImmediate(resolve));
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, note);
    if (interrupted !== undefined) process.kill(process.pid, interrupted);
  }
}

function exists(path) {
  return existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isOurs(path) {
  return existsSync(path) && readFileSync(path, 'utf8') === POLICY;
}
