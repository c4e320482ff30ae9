/** How busy the machine is with other work while something is measured. */
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';

/** A look at the machine that goes on. */
export interface OthersLoad {
  /** @returns cores that others kept busy since; undefined where the system does not tell */
  end(): number | undefined;
}

/** Looks now. Linux only: elsewhere nothing is known. */
export function othersLoad(): OthersLoad {
  const before = readTimes();
  const started = performance.now();
  return {
    end() {
      const after = readTimes();
      if (before === undefined || after === undefined) return undefined;
      const seconds = (performance.now() - started) / 1000;
      return Math.max(0, (after.busy - before.busy - (after.own - before.own)) / seconds);
    },
  };
}

/** Processor time of this process and all that it has started. A child that ends passes its time on to its parent, so the sum does not jump. */
export function ownSeconds(): number {
  const all = new Map(readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? readProcess(Number(name)) : [])));
  const isOwn = (pid: number): boolean => pid === process.pid || (all.has(pid) && isOwn(all.get(pid)!.parent));
  return [...all].reduce((sum, [pid, { ticks }]) => sum + (isOwn(pid) ? ticks : 0), 0) / TICKS;
}

/** Ticks per second of what Linux shows to programs. */
const TICKS = 100;

interface Times {
  /** Seconds of all cores, other than idle, and what the host took away. */
  readonly busy: number;
  /** Seconds of this process and all that it has started, also through others. */
  readonly own: number;
}

function readTimes(): Times | undefined {
  try {
    // cpu user nice system idle iowait irq softirq steal (proc_stat(5)).
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]!
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const busy = (user! + nice! + system! + irq! + softirq! + (steal ?? 0)) / TICKS;
    return { busy, own: ownSeconds() };
  } catch {
    return undefined;
  }
}

interface Process {
  readonly parent: number;
  readonly ticks: number;
}

/** ppid, then utime, stime, cutime and cstime of proc_pid_stat(5); nothing for a process that has just gone. */
function readProcess(pid: number): [] | [[pid: number, process: Process]] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return [[pid, { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) }]];
  } catch {
    return [];
  }
}
