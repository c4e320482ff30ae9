/**
 * One gateway with one thread, with two, and two gateways that share nothing: what a second thread brings, and whose doing it is if
 * that is less than a core is worth.
 */
import { join } from 'node:path';
import { showProgress } from '../report/progress.ts';
import { type Column, countText, drawTable } from '../report/table.ts';
import { type Target, isMet } from '../report/targets.ts';
import { fromSource, withChildren } from '../process/child.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { median, medianRatio } from '../statistics.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import { runLoad } from './load.ts';
import type { EdgePlan } from './plan.ts';
import { type Proxy, WATCHWORD, cpuMsOf, portOf, startUpstream, writeWatchwordConfig } from './proxies.ts';

const PATH = '/orders/4711';
const MOST_REPEATS = 3;

/** Who takes turns: gateways by their number of threads. */
const FORMATIONS = { one: [1], two: [2], apart: [1, 1] } as const;
type Formation = keyof typeof FORMATIONS;
const NAMES = Object.keys(FORMATIONS) as Formation[];

/** One turn of gateways that may use every core, next to the load and the service. */
export interface ThreadTurn {
  readonly requestsPerSecond: number;
  /** Processor time of all threads for one request, in microseconds. */
  readonly cpuUs: number;
  /** Cores' worth of time that the gateways used meanwhile. */
  readonly cores: number;
}

/** The turns of each formation, by round. */
export type ThreadTurns = Readonly<Record<Formation, readonly ThreadTurn[]>>;

/** Plays all rounds. No process is bound to a core. @throws Error when an answer is not a good one */
export async function playThreads(plan: EdgePlan): Promise<ThreadTurns> {
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(plan.algorithms[0]!);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, await signTokens(pair, plan.tokens));
    const upstream = await startUpstream(folder, undefined);
    try {
      const around = { folder, core: undefined, upstreamPort: upstream.port, pair };
      const counts = NAMES.flatMap((name) => FORMATIONS[name].map((threads) => threads));
      const specs = counts.map((threads) => ({
        name: `watchword gateway, threads: ${threads}`,
        script: WATCHWORD,
        args: ['gateway', '--config', writeWatchwordConfig(around, 'watchword.yaml', { threads })],
        nodeOptions: ['--import', fromSource('process/cpu-meter.ts')],
      }));
      return await withChildren(specs, async (children) => {
        const [one, two, ...apart] = await Promise.all(
          children.map(async (child) => ({ port: await portOf(child), cpuMs: () => cpuMsOf(child) })),
        );
        return play({ one: [one!], two: [two!], apart }, tokenFile, plan);
      });
    } finally {
      await upstream.stop();
    }
  });
}

async function play(
  proxies: Readonly<Record<Formation, readonly Proxy[]>>,
  tokenFile: string,
  plan: EdgePlan,
): Promise<ThreadTurns> {
  const turns: Record<Formation, ThreadTurn[]> = { one: [], two: [], apart: [] };
  for (let round = -plan.warmUpRounds; round < plan.threadRounds; round += 1) {
    showProgress(`threads: ${round < 0 ? 'warming up' : `round ${round + 1} of ${plan.threadRounds}`}`);
    for (const position of NAMES.keys()) {
      const name = NAMES[(position + round + plan.warmUpRounds) % NAMES.length]!;
      const turn = (): Promise<ThreadTurn> => playTurn(proxies[name], name === 'one' ? 1 : 2, tokenFile, plan);
      // While nobody is known yet, requests beyond what can be checked at a time are refused.
      if (round < 0) await turn().catch(() => {});
      else turns[name].push(await repeated(turn));
    }
  }
  showProgress('');
  return turns;
}

// Where others use the machine, answers come too late now and then. Nobody's turn is left out for that.
async function repeated(turn: () => Promise<ThreadTurn>): Promise<ThreadTurn> {
  for (let more = MOST_REPEATS; ; more -= 1) {
    try {
      return await turn();
    } catch (error) {
      if (more === 0) throw error;
      showProgress(`once more: ${(error as Error).message}`);
    }
  }
}

// Each thread gets as many connections as the only one has: what a turn of an event loop costs is shared by what it finds to do. Two
// threads and two gateways get them from as many clients.
async function playTurn(proxies: readonly Proxy[], loads: number, tokenFile: string, plan: EdgePlan): Promise<ThreadTurn> {
  const { connections, roundSeconds: seconds } = plan;
  const before = await cpuMsOfAll(proxies);
  const reports = await Promise.all(
    Array.from({ length: loads }, (_, index) =>
      runLoad({ port: proxies[index % proxies.length]!.port, path: PATH, tokenFile, connections, seconds, core: undefined }),
    ),
  );
  const usedUs = 1000 * ((await cpuMsOfAll(proxies)) - before);
  const requests = reports.reduce((sum, report) => sum + report.requests, 0);
  const durationUs = Math.max(...reports.map((report) => report.durationUs));
  return { requestsPerSecond: (requests * 1e6) / durationUs, cpuUs: usedUs / requests, cores: usedUs / durationUs };
}

async function cpuMsOfAll(proxies: readonly Proxy[]): Promise<number> {
  const times = await Promise.all(proxies.map((proxy) => proxy.cpuMs()));
  return times.reduce((sum, time) => sum + time, 0);
}

const COLUMNS: readonly Column[] = [
  ['watchword gateway', 'left'],
  ['requests/s', 'right'],
  ['CPU for one', 'right'],
  ['requests/s and core', 'right'],
  ['cores in use', 'right'],
];

const TITLES: Readonly<Record<Formation, string>> = {
  one: 'one thread',
  two: 'two threads',
  apart: 'two gateways of one thread, sharing nothing',
};

/** All of them as a table, and what came of it. */
export function drawThreads(turns: ThreadTurns): string {
  const rows = NAMES.map((name) => {
    const middle = (value: (turn: ThreadTurn) => number): number => median(turns[name].map(value));
    return [
      TITLES[name],
      countText(middle(({ requestsPerSecond }) => requestsPerSecond)),
      `${middle(({ cpuUs }) => cpuUs).toFixed(1)} us`,
      countText(middle(({ cpuUs }) => 1e6 / cpuUs)),
      middle(({ cores }) => cores).toFixed(2),
    ];
  });
  const speeds = (name: Formation): number[] => turns[name].map(({ requestsPerSecond }) => requestsPerSecond);
  const measured = medianRatio(speeds('two'), speeds('one'));
  return `Threads, no process bound to a core\n${drawTable(COLUMNS, rows)}
Two threads answered ${measured.toFixed(2)} times as much as one here, where load and service need cores too.
${reasonOf(turns)}`;
}

/** Whose doing it is that a request costs more with two threads than with one: two gateways share nothing but the machine. */
function reasonOf(turns: ThreadTurns): string {
  const percent = (ratio: number): string => `${(100 * (ratio - 1)).toFixed(0)} %`;
  const two = percent(medianRatio(costs(turns, 'two'), costs(turns, 'one')));
  const apart = percent(medianRatio(costs(turns, 'apart'), costs(turns, 'one')));
  const sharing = percent(medianRatio(costs(turns, 'two'), costs(turns, 'apart')));
  const [scaling] = threadsTargets(turns);
  return `Next to one thread, processor time for a request: two threads ${two}, two gateways ${apart}; threads next to gateways ${sharing}.${
    isMet(scaling!)
      ? ''
      : '\nWhat two gateways cost more than one thread is this machine: they share nothing, and compete with load and service for two cores and their caches.'
  }`;
}

function costs(turns: ThreadTurns, name: Formation): number[] {
  return turns[name].map(({ cpuUs }) => cpuUs);
}

/**
 * What two threads bring where each has a core to itself: twice as much, times what processor time is worth with two, in units of
 * what it is worth with one. Waiting for each other would show as idle time instead: in the table, cores in use below those of the two
 * gateways.
 */
export function threadsTargets(turns: ThreadTurns): Target[] {
  const of = (name: Formation): number => 2 * medianRatio(costs(turns, name), costs(turns, 'two'));
  return [
    { claim: 'two threads, a core for each: requests, of one thread', ratio: of('one'), limit: 1.8, bound: 'at least' },
    { claim: '  the same, of a gateway next to another one', ratio: of('apart'), limit: 1.8, bound: 'at least' },
  ];
}
