/** Which processes a run of the tests has started, found by a variable that all of them inherit. Linux; elsewhere it finds none. */
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';

/** The variable. */
export const RUN = 'WATCHWORD_TEST_RUN';

/**
 * Those that this process, or what it started, has started and that are still there; those whose parent has ended too.
 * @returns {{ pid: number, command: string }[]}
 */
export function startedProcesses() {
  const mark = `${RUN}=${process.env[RUN]}`;
  if (process.platform !== 'linux' || process.env[RUN] === undefined) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    const [environment, command] = [read(pid, 'environ'), read(pid, 'cmdline')];
    return environment.includes(mark) ? [{ pid: Number(pid), command: command.join(' ').trim() }] : [];
  });
}

/** Ends them, wherever they are. */
export function endProcesses(processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** Empty for one that has just ended, and for those of others. */
function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
