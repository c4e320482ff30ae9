/** Takes the regulars' times, alone and next to a flood. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadReport } from '../gateway/load.ts';
import { showProgress } from '../report/progress.ts';
import type { RegularsReport } from './regulars.ts';
import type { ServerCounts } from './server.ts';
import type { Server, Stage, Subject } from './stage.ts';

/** What the regulars share their server with. */
export type Company = 'nobody' | 'known tokens' | 'new tokens';

/** One turn. */
export interface Turn {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests per second of the flood that were answered 200, and 503. */
  readonly accepted: number;
  readonly shed: number;
}

/** How long, how often, how much. */
export interface Plan {
  readonly rounds: number;
  readonly turnMs: number;
  readonly connections: number;
  readonly requestsPerSecond: number;
}

/** Who is measured in which company, in the order of the table. */
export const VARIANTS: readonly (readonly [Subject, Company])[] = [
  ['inline', 'nobody'],
  ['inline', 'known tokens'],
  ['inline', 'new tokens'],
  ['adaptive', 'nobody'],
  ['adaptive', 'known tokens'],
  ['adaptive', 'new tokens'],
];

/** Turns of all variants, by round. The first round, in which compilers warm up, is left out. */
export async function playRounds(stage: Stage, plan: Plan, title: string): Promise<readonly (readonly Turn[])[]> {
  const turns: Turn[][] = VARIANTS.map(() => []);
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const [index, [subject, company]] of VARIANTS.entries()) {
      showProgress(`${title}: round ${round} of ${plan.rounds}, ${subject}, next to ${company}`);
      const turn = await playTurn(stage, plan, stage.servers[subject], company);
      if (round > 0) turns[index]!.push(turn);
    }
  }
  return turns;
}

const HEAD_START_MS = 400;

async function playTurn(stage: Stage, plan: Plan, server: Server, company: Company): Promise<Turn> {
  const { regulars, flood, knownFile, newFile } = stage;
  const { port } = server;
  const { requestsPerSecond, turnMs: durationMs, connections } = plan;
  const tokenFile = company === 'new tokens' ? newFile : knownFile;
  await server.process.ask('counts');
  const order = { port, path: '/', tokenFile, connections, durationMs: durationMs + 2 * HEAD_START_MS };
  const flooding = company === 'nobody' ? undefined : flood.ask<LoadReport>('run', order);
  const visiting = delay(flooding === undefined ? 0 : HEAD_START_MS).then(() =>
    regulars.ask<RegularsReport>('visit', { port, tokenFile: knownFile, requestsPerSecond, durationMs }),
  );
  const [load, visit] = await Promise.all([flooding, visiting]);
  const { signatureChecks } = await server.process.ask<ServerCounts>('counts');
  assertWorkload(company, visit, load, signatureChecks);
  const perSecond = (status: string): number => ((load?.statuses[status] ?? 0) * 1000) / (load?.elapsedMs ?? 1);
  return { p50Ms: visit.p50Ms, p99Ms: visit.p99Ms, accepted: perSecond('200'), shed: perSecond('503') };
}

// Numbers about another workload than the one that is stated are worth nothing.
function assertWorkload(company: Company, visit: RegularsReport, load: LoadReport | undefined, checks: number): void {
  const refused = Object.keys({ ...visit.statuses }).filter((status) => status !== '200');
  if (refused.length > 0) throw new Error(`A known token was answered ${refused.join(', ')}`);
  const strange = Object.keys({ ...load?.statuses }).filter((status) => status !== '200' && status !== '503');
  if (strange.length > 0) throw new Error(`The flood was answered ${strange.join(', ')}`);
  const accepted = load?.statuses['200'] ?? 0;
  if (company === 'new tokens' && checks < 0.95 * accepted) throw new Error(`${checks} checks for ${accepted} new tokens`);
}
