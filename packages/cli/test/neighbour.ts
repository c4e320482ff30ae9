/** Somebody who uses a gateway that others attack: how long the answers take. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Instance, get } from './instances.ts';

const EVERY_MS = 5;
/** A gateway that nobody asks anything: so little of a core, for so long. */
const QUIET_SHARE = 0.02;
const QUIET_LOOKS = 4;
const LOOK_MS = 500;
const QUIET_LIMIT_MS = 60_000;

export interface Sample {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly statuses: readonly number[];
  /** Share of a core that the gateway used meanwhile. */
  readonly cpu: number;
}

/** One window without the attack, and the one after it with. */
export interface Round {
  readonly before: Sample;
  readonly during: Sample;
}

/** Calls at fixed times, not one after the other, so that a pause is not measured by one call only. @param over: ends then, at the latest */
export async function sample(
  instance: Instance,
  headers: Record<string, string>,
  over: { readonly ms: number } | Promise<unknown>,
): Promise<Sample> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const statuses = new Set<number>();
  const running: Promise<void>[] = [];
  const call = async (): Promise<void> => {
    const startMs = performance.now();
    statuses.add(await get(instance.port, '/orders/x', headers, agent));
    times.push(performance.now() - startMs);
  };
  const cpuBeforeMs = cpuMsOf(instance);
  const startMs = performance.now();
  let endMs = over instanceof Promise ? Infinity : startMs + over.ms;
  if (over instanceof Promise) void over.finally(() => (endMs = 0)).catch(() => {});
  while (performance.now() < endMs) {
    running.push(call());
    await delay(EVERY_MS);
  }
  const cpu = (cpuMsOf(instance) - cpuBeforeMs) / (performance.now() - startMs);
  await Promise.all(running);
  agent.destroy();
  times.sort((one, other) => one - other);
  const at = (share: number): number => times[Math.floor(times.length * share)]!;
  return { calls: times.length, p50: at(0.5), p99: at(0.99), statuses: [...statuses], cpu };
}

/** Waits until the gateway has done with what came before, such as the closing of ten thousand sockets. @throws Error when it never has */
export async function untilQuiet(instance: Instance): Promise<void> {
  const endMs = performance.now() + QUIET_LIMIT_MS;
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    if (performance.now() > endMs) throw new Error('The gateway is busy though nobody asks it anything');
    const [beforeMs, startMs] = [cpuMsOf(instance), performance.now()];
    await delay(LOOK_MS);
    const share = (cpuMsOf(instance) - beforeMs) / (performance.now() - startMs);
    quiet = share <= QUIET_SHARE ? quiet + 1 : 0;
  }
}

/** How many times as long the slowest hundredth takes: compared within each round, where the machine was in one state. */
export function ratioOf(rounds: readonly Round[]): number {
  const ratios = rounds.map(({ before, during }) => during.p99 / before.p99).toSorted((one, other) => one - other);
  return ratios[ratios.length >> 1]!;
}

/** Says what was seen, round by round. */
export function report(what: string, rounds: readonly Round[], limit: number): void {
  const figures = ({ p50, p99, cpu, calls }: Sample): string =>
    `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, CPU ${(100 * cpu).toFixed(0)} % (${calls} calls)`;
  const lines = rounds.map(({ before, during }) => `  before ${figures(before)}; during ${figures(during)}`);
  const ratio = ratioOf(rounds);
  const verdict = `p99 ${ratio.toFixed(2)}x its own: ${ratio < limit ? 'PASS' : 'short'} (below ${limit}x)`;
  process.stdout.write(`${what}\n${lines.join('\n')}\n  ${verdict}\n`);
}

/** Processor time of the gateway so far, of all its threads; 0 where the system does not say (Linux does, in hundredths of a second). */
function cpuMsOf(instance: Instance): number {
  try {
    const text = readFileSync(`/proc/${instance.process.pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return 0;
  }
}
