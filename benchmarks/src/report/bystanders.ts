/** Who else is on this machine: a time limit that is missed next to others says as much about them. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 1000;
/** Cores that others may use before a run says so. */
const QUIET = 0.1;
const TICKS_PER_SECOND = 100;

/** Cores in use by everybody, the host's other guests included, while we do nothing; undefined where the system does not say (Linux does). */
export async function coresInUse(): Promise<number | undefined> {
  const before = busyTicks();
  const startMs = performance.now();
  await delay(LOOK_MS);
  const after = busyTicks();
  if (before === undefined || after === undefined) return undefined;
  return ((after - before) * 1000) / TICKS_PER_SECOND / (performance.now() - startMs);
}

/** The warning for people; undefined: the machine is quiet, or does not say. */
export function bystanderLine(inUse: number | undefined): string | undefined {
  if (inUse === undefined || inUse <= QUIET) return undefined;
  return `Others use ${inUse.toFixed(1)} of ${availableParallelism()} cores: times taken on the wall are theirs too.`;
}

// proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
function busyTicks(): number | undefined {
  try {
    const fields = /^cpu +(.+)$/m.exec(readFileSync('/proc/stat', 'latin1'))![1]!.split(' ').map(Number);
    return fields.slice(0, 8).reduce((sum, ticks, index) => (index === 3 || index === 4 ? sum : sum + ticks), 0);
  } catch {
    return undefined;
  }
}
