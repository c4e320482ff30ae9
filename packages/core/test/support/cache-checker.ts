/** Steps through a {@link CacheWorld} and compares, after each step, what the cache says with what a fresh verification says. */
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { act } from './cache-actions.ts';
import { type CacheFactory, CacheWorld, type Family, type Pair, properCache } from './cache-world.ts';
import { SeededRandom } from './seeded-random.ts';
import { vandalize } from './vandal.ts';
import { codeOf } from './verdicts.ts';

export interface Campaign {
  readonly seed: number;
  readonly steps: number;
  readonly family: Family;
  readonly factory?: CacheFactory;
}

/** How a campaign went. */
export interface Report {
  readonly steps: number;
  /** Comparisons in which the token was accepted: a campaign of refusals alone would prove little. */
  readonly accepted: number;
  /** Verdicts that `recall` gave without a verification. */
  readonly recalled: number;
  /** The first difference, with all that is needed to see it again; undefined: none. */
  readonly difference: string | undefined;
}

/** Runs a campaign. It stops at the first difference. */
export async function runCampaign({ seed, steps, family, factory = properCache }: Campaign): Promise<Report> {
  const random = new SeededRandom(seed);
  const world = new CacheWorld(family, factory);
  const counts = { accepted: 0, recalled: 0 };
  const log: string[] = [];
  for (let step = 1; step <= steps; step += 1) {
    log.push(act(world, random));
    if (log.length > 30) log.shift();
    const difference = await compare(world, random, counts);
    if (difference !== undefined) {
      return { steps: step, ...counts, difference: [`seed ${seed}, family ${family}, step ${step}: ${difference}`, ...log].join('\n') };
    }
  }
  return { steps, ...counts, difference: undefined };
}

type Counts = { accepted: number; recalled: number };

async function compare(world: CacheWorld, random: SeededRandom, counts: Counts): Promise<string | undefined> {
  const pair = random.pick(world.pairs);
  const token = random.pick(world.tokens);
  if (random.chance(0.06)) return compareConcurrent(world, random, pair, token);
  const expected = await outcomeOf(pair.oracle.verify(token));
  if (expected.startsWith('accepted')) counts.accepted += 1;
  if (random.chance(0.3)) {
    const known = pair.cached.recall(token);
    if (known === undefined) return undefined;
    counts.recalled += 1;
    return differ(pair, 'recall', describe(known), expected);
  }
  const verdict = pair.cached.verify(token);
  const found = differ(pair, 'verify', await outcomeOf(verdict), expected);
  if (found === undefined && expected.startsWith('accepted') && random.chance(0.02)) vandalize(await verdict);
  return found;
}

// Several callers at once, some of whom come later, while the keys are on their way and the world goes on.
async function compareConcurrent(world: CacheWorld, random: SeededRandom, pair: Pair, token: string): Promise<string | undefined> {
  const isSlow = random.chance(0.6);
  if (isSlow) for (const keys of world.issuers) keys.holdBack();
  const fresh: Promise<string>[] = [];
  const cached: Promise<string>[] = [];
  for (let wave = random.between(1, 3); wave > 0; wave -= 1) {
    for (let caller = random.between(1, 3); caller > 0; caller -= 1) {
      cached.push(outcomeOf(pair.cached.verify(token)));
      fresh.push(outcomeOf(pair.oracle.verify(token)));
    }
    if (random.chance(0.5)) await Promise.resolve();
    if (random.chance(0.5)) act(world, random);
  }
  for (const keys of world.issuers) keys.release();
  const answers = await Promise.all(cached);
  const expected = new Set(await Promise.all(fresh));
  // The answer of a shared verification comes at the end of it, so a verdict of that moment is a right one too.
  expected.add(await outcomeOf(pair.oracle.verify(token)));
  const wrong = answers.find((answer) => !expected.has(answer));
  return wrong === undefined ? undefined : differ(pair, 'concurrent verify', wrong, [...expected].join(' or '));
}

function differ(pair: Pair, call: string, cached: string, fresh: string): string | undefined {
  return cached === fresh ? undefined : `policy "${pair.name}": ${call} says ${cached}, a fresh verification says ${fresh}`;
}

async function outcomeOf(verdict: Promise<VerifiedToken>): Promise<string> {
  try {
    return describe(await verdict);
  } catch (error) {
    return codeOf(error);
  }
}

function describe({ issuer, header, claims, key, window }: VerifiedToken): string {
  return `accepted ${JSON.stringify([issuer, header, claims, key.id, String(window.notBeforeMs), String(window.expiresAtMs)])}`;
}
