/** One comparison: every contender in a process of its own, taking turns on one core. */
import { join } from 'node:path';
import { type Child, type ChildSpec, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { showProgress } from '../report/progress.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { createRefusedTokens } from '../tokens/refused-tokens.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import { CONTENDERS, type ContenderId, contendersFor } from './contenders.ts';
import type { Job, Prepared, Round, RoundResult } from './job.ts';
import type { Comparison, Plan } from './plan.ts';
import { type ComparisonResult, summarize } from './result.ts';

/** Room in the caches beyond the tokens in use, so that nobody is measured evicting. */
const SPARE_ROOM = 1.25;

/** Signs the tokens, checks every contender, then takes the times. @throws Error when a contender answers wrongly */
export async function compare(comparison: Comparison, plan: Plan): Promise<ComparisonResult> {
  return withTemporaryFolder(async (folder) => {
    const ids = contendersFor(comparison.algorithm);
    const job = await createJob(comparison, plan, folder);
    return withChildren(ids.map(toSpec), async (children) => {
      const prepared = await prepareAll(children, ids, job, comparison);
      const rounds = await playRounds(children, plan.rounds, comparison);
      return summarize(comparison, ids, prepared[0]!.meanTokenBytes, rounds);
    });
  });
}

// Processes that wait use nothing, so all may share the core of the one whose turn it is.
function toSpec(id: ContenderId): ChildSpec {
  const core = canPin() ? usableCores().at(-1) : undefined;
  return { name: CONTENDERS[id].title, script: 'verify/contestant.ts', core, nodeOptions: ['--expose-gc'] };
}

async function createJob({ algorithm, tokens: count }: Comparison, plan: Plan, folder: string): Promise<Omit<Job, 'contender'>> {
  showProgress(`${algorithm}: signing ${count} tokens`);
  const pair = createKeyPair(algorithm);
  const tokens = await signTokens(pair, count);
  const tokenFile = join(folder, 'tokens');
  writeTokenFile(tokenFile, tokens);
  return {
    policy: {
      algorithm,
      issuer: ISSUER,
      audience: AUDIENCE,
      material: pair.material,
      cacheEntries: Math.ceil(count * SPARE_ROOM),
    },
    tokenFile,
    refused: await createRefusedTokens(pair, tokens[0]!),
    lapMs: plan.lapMs,
    warmUpCalls: plan.warmUpCalls,
  };
}

async function prepareAll(
  children: readonly Child[],
  ids: readonly ContenderId[],
  job: Omit<Job, 'contender'>,
  { algorithm, tokens }: Comparison,
): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const [index, child] of children.entries()) {
    showProgress(`${algorithm}, ${tokens} tokens: checking and warming up ${child.name}`);
    prepared.push(await child.ask<Prepared>('prepare', { ...job, contender: ids[index]! } satisfies Job));
  }
  return prepared;
}

/** @returns by round, by contender, by call */
async function playRounds(
  children: readonly Child[],
  rounds: number,
  { algorithm, tokens }: Comparison,
): Promise<RoundResult[][][]> {
  const results: RoundResult[][][] = [];
  for (let number = 0; number < rounds; number += 1) {
    showProgress(`${algorithm}, ${tokens} tokens: round ${number + 1} of ${rounds}`);
    const round: Round = { seed: number + 1 };
    const byContender: RoundResult[][] = [];
    for (const child of children) byContender.push(await child.ask<RoundResult[]>('round', round));
    results.push(byContender);
  }
  return results;
}
