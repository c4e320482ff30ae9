/** Takes the time of one turn. */
import process from 'node:process';
import type { Turn } from './work.ts';

/** Times `work`, which deals with `count` requests. */
export async function timed(count: number, work: () => Promise<void>): Promise<Turn> {
  globalThis.gc?.();
  const all = process.cpuUsage();
  const main = process.threadCpuUsage();
  const startMs = performance.now();
  await work();
  const elapsedMs = performance.now() - startMs;
  const [used, own] = [process.cpuUsage(all), process.threadCpuUsage(main)];
  return {
    count,
    cpuUs: (used.user + used.system) / count,
    mainUs: (own.user + own.system) / count,
    perSecond: (count * 1000) / elapsedMs,
  };
}
