/** Takes the proxies' times: one turn each in every round. */
import { showProgress } from '../report/progress.ts';
import { runLoad } from './load.ts';
import type { EdgeAlgorithm, EdgePlan } from './plan.ts';
import type { Stage } from './stage.ts';
import { SUBJECTS, SUBJECT_IDS, type SubjectId } from './subjects.ts';

/** One turn. */
export interface Turn {
  readonly requestsPerSecond: number;
  /** Processor time for one request of all processes that the proxy consists of, in microseconds. */
  readonly cpuUs: number;
  /** Share of its core that was in use meanwhile. */
  readonly proxyLoad: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** The turns of every subject, by round. */
export type Turns = Readonly<Record<SubjectId, readonly Turn[]>>;

/** Plays all rounds. @throws Error when an answer is not a good one */
export async function playRounds(stage: Stage, algorithm: EdgeAlgorithm, plan: EdgePlan): Promise<Turns> {
  const turns: Record<SubjectId, Turn[]> = { watchword: [], haproxy: [], authRequest: [], fastify: [], nginx: [] };
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

async function playTurn(stage: Stage, id: SubjectId, { connections, roundSeconds: seconds }: EdgePlan): Promise<Turn> {
  const { port, cpuMs } = stage.proxies[id];
  const before = await cpuMs();
  const order = { port, path: SUBJECTS[id].path, tokenFile: stage.tokenFile, connections, seconds, core: stage.othersCore };
  const { requests, durationUs, p50Us, p99Us } = await runLoad(order);
  const usedMs = (await cpuMs()) - before;
  return {
    requestsPerSecond: (requests * 1e6) / durationUs,
    cpuUs: (usedMs * 1000) / requests,
    proxyLoad: (usedMs * 1000) / durationUs,
    p50Us,
    p99Us,
  };
}
