/** Takes the time of one turn. */
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Turn } from './work.ts';

const SETTLE_MS = 50;

/** Times `work`, which deals with `count` requests. */
export async function timed(count: number, work: () => Promise<void>): Promise<Turn> {
  // What still goes on in the background is not charged to this turn. No collection is forced: V8 would make the young generation so
  // small after it that hardly any garbage is young, which no server at work does.
  await delay(SETTLE_MS);
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
