/** Takes the time of one loop. */
import process from 'node:process';

/** Does one piece of work, by number; a promise is waited for. */
export type Work = (index: number) => unknown;

/** What one pass took, in nanoseconds for each piece of work. */
export interface Lap {
  /** Processor time of the whole process: also of the threads that collect its garbage or check its signatures. */
  readonly cpuNs: number;
  /** Time on the clock. On a machine that has nothing else to do, a little less or more than the processor time. */
  readonly wallNs: number;
}

/** Works through `order` once. */
export async function timeLap(order: Uint32Array, work: Work): Promise<Lap> {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await runThrough(order, work);
  const wallNs = Number(process.hrtime.bigint() - start);
  const { user, system } = process.cpuUsage(cpu);
  return { cpuNs: ((user + system) * 1000) / order.length, wallNs: wallNs / order.length };
}

async function runThrough(order: Uint32Array, work: Work): Promise<void> {
  for (let at = 0; at < order.length; at += 1) {
    const result = work(order[at]!);
    if (result instanceof Promise) await result;
  }
}
