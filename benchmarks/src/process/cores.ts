/** Which core a process runs on. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** A core, by its number. */
export type Core = number;

/** The cores that this process may use, as far as the system says (Linux). */
export function usableCores(): readonly Core[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (list !== undefined) return parseCoreList(list);
  } catch {
    // Not Linux.
  }
  return Array.from({ length: availableParallelism() }, (_, core) => core);
}

/** Whether processes can be bound to a core here: with `taskset` of util-linux, and with a core to spare. */
export function canPin(): boolean {
  return usableCores().length > 1 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The command that starts Node, bound to a core, or to some, if they are given. */
export function nodeCommand(core: Core | readonly Core[] | undefined): readonly [command: string, ...args: string[]] {
  return core === undefined ? [process.execPath] : ['taskset', '-c', String(core), process.execPath];
}

function parseCoreList(list: string): Core[] {
  return list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number);
    return Array.from({ length: (last ?? first!) - first! + 1 }, (_, index) => first! + index);
  });
}
