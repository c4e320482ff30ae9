/** One gateway with one thread and with two: whether the second one brings what a core is worth. */
import { join } from 'node:path';
import { showProgress } from '../report/progress.ts';
import { type Column, countText, drawTable } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
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
/** Threads that are compared, the fewest first. */
const COUNTS = [1, 2] as const;

/** One turn of a gateway that may use every core, next to the load and the service. */
export interface ThreadTurn {
  readonly requestsPerSecond: number;
  /** Processor time of all threads for one request, in microseconds. */
  readonly cpuUs: number;
  /** Cores' worth of time that the gateway used meanwhile. */
  readonly cores: number;
}

/** The turns of each number of threads, by round. */
export type ThreadTurns = Readonly<Record<(typeof COUNTS)[number], readonly ThreadTurn[]>>;

/** Plays all rounds. No process is bound to a core. @throws Error when an answer is not a good one */
export async function playThreads(plan: EdgePlan): Promise<ThreadTurns> {
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(plan.algorithms[0]!);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, await signTokens(pair, plan.tokens));
    const upstream = await startUpstream(folder, undefined);
    try {
      const around = { folder, core: undefined, upstreamPort: upstream.port, pair };
      const specs = COUNTS.map((threads) => ({
        name: `watchword gateway, threads: ${threads}`,
        script: WATCHWORD,
        args: ['gateway', '--config', writeWatchwordConfig(around, 'watchword.yaml', { threads })],
        nodeOptions: ['--import', fromSource('process/cpu-meter.ts')],
      }));
      return await withChildren(specs, async (children) => {
        const proxies = await Promise.all(
          children.map(async (child) => ({ port: await portOf(child), cpuMs: () => cpuMsOf(child) })),
        );
        return play(proxies, tokenFile, plan);
      });
    } finally {
      await upstream.stop();
    }
  });
}

async function play(proxies: readonly Proxy[], tokenFile: string, plan: EdgePlan): Promise<ThreadTurns> {
  const turns: Record<(typeof COUNTS)[number], ThreadTurn[]> = { 1: [], 2: [] };
  for (let round = -plan.warmUpRounds; round < plan.rounds; round += 1) {
    showProgress(`threads: ${round < 0 ? 'warming up' : `round ${round + 1} of ${plan.rounds}`}`);
    for (const position of COUNTS.keys()) {
      const index = (position + round + plan.warmUpRounds) % COUNTS.length;
      const turn = playTurn(proxies[index]!, COUNTS[index]! * plan.connections, tokenFile, plan.roundSeconds);
      // While nobody is known yet, requests beyond what can be checked at a time are refused.
      if (round < 0) await turn.catch(() => {});
      else turns[COUNTS[index]!].push(await turn);
    }
  }
  showProgress('');
  return turns;
}

// Each thread gets as many connections as the only one has: what a turn of an event loop costs is shared by what it finds to do.
async function playTurn({ port, cpuMs }: Proxy, connections: number, tokenFile: string, seconds: number): Promise<ThreadTurn> {
  const before = await cpuMs();
  const { requests, durationUs } = await runLoad({ port, path: PATH, tokenFile, connections, seconds, core: undefined });
  const usedUs = 1000 * ((await cpuMs()) - before);
  return { requestsPerSecond: (requests * 1e6) / durationUs, cpuUs: usedUs / requests, cores: usedUs / durationUs };
}

const COLUMNS: readonly Column[] = [
  ['watchword gateway', 'left'],
  ['requests/s', 'right'],
  ['CPU for one', 'right'],
  ['cores in use', 'right'],
];

/** Both as a table, and what came of it. */
export function drawThreads(turns: ThreadTurns): string {
  const rows = COUNTS.map((count) => {
    const middle = (value: (turn: ThreadTurn) => number): number => median(turns[count].map(value));
    return [
      `threads: ${count}`,
      countText(middle(({ requestsPerSecond }) => requestsPerSecond)),
      `${middle(({ cpuUs }) => cpuUs).toFixed(1)} us`,
      middle(({ cores }) => cores).toFixed(2),
    ];
  });
  const measured = medianRatio(speeds(turns[2]), speeds(turns[1]));
  return `Threads, no process bound to a core\n${drawTable(COLUMNS, rows)}
Two threads answered ${measured.toFixed(2)} times as much as one here, where load and service need cores too.`;
}

function speeds(turns: readonly ThreadTurn[]): number[] {
  return turns.map(({ requestsPerSecond }) => requestsPerSecond);
}

/**
 * What two threads bring where each has a core to itself: twice as much, times what processor time is worth with two, in units of
 * what it is worth with one. Waiting for each other would show as idle time instead: in the table, cores in use below two although
 * there is load.
 */
export function threadsTarget(turns: ThreadTurns): Target {
  const costs = (count: (typeof COUNTS)[number]): number[] => turns[count].map(({ cpuUs }) => cpuUs);
  return {
    claim: 'two threads, a core for each: requests, of one thread',
    ratio: 2 * medianRatio(costs(1), costs(2)),
    limit: 1.8,
    bound: 'at least',
  };
}
