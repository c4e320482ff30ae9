/** Takes the proxies' times: one turn each in every round. */
import type { Child } from '../process/child.ts';
import { showProgress } from '../report/progress.ts';
import type { LoadOrder, LoadReport } from './load.ts';
import type { EdgeAlgorithm, GatewayPlan } from './plan.ts';
import type { Stage } from './stage.ts';
import { SUBJECTS, SUBJECT_IDS, type SubjectId } from './subjects.ts';

/** One turn. */
export interface Turn {
  readonly requestsPerSecond: number;
  /** Processor time of the proxy for one request, in microseconds. */
  readonly cpuUs: number;
  /** Shares of a core that were in use meanwhile. */
  readonly proxyLoad: number;
  readonly neighbourLoad: number;
}

/** The turns of every subject, by round. */
export type Turns = Readonly<Record<SubjectId, readonly Turn[]>>;

/** Plays all rounds. @throws Error when an answer is not 200, or a request did not reach the upstream */
export async function playRounds(stage: Stage, algorithm: EdgeAlgorithm, plan: GatewayPlan): Promise<Turns> {
  const turns: Record<SubjectId, Turn[]> = { watchword: [], 'watchword-public': [], fastify: [], 'fastify-public': [] };
  for (let round = -plan.warmUpRounds; round < plan.rounds; round += 1) {
    showProgress(`${algorithm}: ${round < 0 ? 'warming up' : `round ${round + 1} of ${plan.rounds}`}`);
    // Each round starts with another one, so that none is always the one after the slowest.
    for (const position of SUBJECT_IDS.keys()) {
      const id = SUBJECT_IDS[(position + round + plan.warmUpRounds) % SUBJECT_IDS.length]!;
      const turn = await playTurn(stage, id, plan);
      if (round >= 0) turns[id].push(turn);
    }
  }
  return turns;
}

async function playTurn(stage: Stage, id: SubjectId, { connections, roundMs: durationMs }: GatewayPlan): Promise<Turn> {
  const { path, proxy } = SUBJECTS[id];
  const { port, process } = stage.proxies[proxy];
  const order: LoadOrder = { port, path, tokenFile: stage.tokenFile, connections, durationMs };
  const arrivedBefore = await stage.upstream.ask<number>('requests');
  const neighboursBefore = await cpuMs(stage.upstream, stage.load);
  const proxyBefore = await cpuMs(process);
  const report = await stage.load.ask<LoadReport>('run', order);
  const proxyMs = (await cpuMs(process)) - proxyBefore;
  const neighboursMs = (await cpuMs(stage.upstream, stage.load)) - neighboursBefore;
  assertAnswered(id, report, (await stage.upstream.ask<number>('requests')) - arrivedBefore);
  return {
    requestsPerSecond: (report.requests * 1000) / report.elapsedMs,
    cpuUs: (proxyMs * 1000) / report.requests,
    proxyLoad: proxyMs / report.elapsedMs,
    neighbourLoad: neighboursMs / report.elapsedMs,
  };
}

async function cpuMs(...children: readonly Child[]): Promise<number> {
  const usages = await Promise.all(children.map((child) => child.ask<NodeJS.CpuUsage>('cpu')));
  return usages.reduce((sum, { user, system }) => sum + (user + system) / 1000, 0);
}

function assertAnswered(id: SubjectId, { requests, statuses }: LoadReport, arrived: number): void {
  if (requests === 0 || statuses['200'] !== requests)
    throw new Error(`${SUBJECTS[id].title}: answers ${JSON.stringify(statuses)}`);
  if (arrived !== requests) throw new Error(`${SUBJECTS[id].title}: ${arrived} of ${requests} requests reached the upstream`);
}
