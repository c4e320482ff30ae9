/** Processes that somebody has started, found by a variable that all of them inherit. Linux; elsewhere there are none. */
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';

/** The variable of a run of the tests. */
export const RUN = 'WATCHWORD_TEST_RUN';

/**
 * Those that are there now, though their parent may have ended.
 * @param {string} mark the variable and its value: `NAME=value`
 * @returns {{ pid: number, command: string }[]}
 */
export function processesWith(mark) {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const [environment, command] = [read(pid, 'environ'), read(pid, 'cmdline')];
    return environment.includes(mark) ? [{ pid: Number(pid), command: command.join(' ').trim() }] : [];
  });
}

/**
 * Ends them, wherever they are.
 * @param {{ pid: number }[]} processes
 */
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
