/** Steps through a {@link CacheWorld} and compares, after each step, what the cache says with what a fresh verification says. */
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { act, actSlowly, twinOf } from './cache-actions.ts';
import { CacheWorld, type Family, PROPER_PARTS, type Pair, type WorldParts } from './cache-world.ts';
import { SeededRandom } from './seeded-random.ts';
import { vandalize } from './vandal.ts';
import { codeOf } from './verdicts.ts';

export interface Campaign {
  readonly name?: string;
  readonly seed: number;
  readonly steps: number;
  readonly family: Family;
  readonly parts?: Partial<WorldParts>;
}

/** How a campaign went. */
export interface Report {
  readonly steps: number;
  /** Comparisons in which the token was accepted: a campaign of refusals alone would prove little. */
  readonly accepted: number;
  /** Verdicts that `recall` gave without a verification. */
  readonly recalled: number;
  /** Comparisons in which a token was refused because it was revoked, or because nobody could say. */
  readonly revoked: number;
  readonly unavailable: number;
  /** The first difference, with all that is needed to see it again; undefined: none. */
  readonly difference: string | undefined;
}

/** Runs a campaign. It stops at the first difference. */
export async function runCampaign({ seed, steps, family, parts, name = `${family} keys` }: Campaign): Promise<Report> {
  const random = new SeededRandom(seed);
  const world = new CacheWorld(family, { ...PROPER_PARTS, ...parts });
  await world.revocations.ready();
  try {
    return await run(world, random, steps, `seed ${seed}, ${name}`);
  } finally {
    await world.revocations.close();
  }
}

async function run(world: CacheWorld, random: SeededRandom, steps: number, name: string): Promise<Report> {
  const counts = { accepted: 0, recalled: 0, revoked: 0, unavailable: 0 };
  const log: string[] = [];
  let subject = { pair: world.pairs[0]!, token: '' };
  for (let step = 1; step <= steps; step += 1) {
    log.push((await actSlowly(world, random)) ?? act(world, random));
    if (log.length > 30) log.shift();
    // Often the same one again: that is what a cache is for.
    if (random.chance(0.5)) subject = { pair: random.pick(world.pairs), token: random.pick(world.tokens) };
    const difference = await compare(world, random, counts, subject);
    if (difference !== undefined) {
      return { steps: step, ...counts, difference: [`${name}, step ${step}: ${difference}`, ...log].join('\n') };
    }
  }
  return { steps, ...counts, difference: undefined };
}

type Counts = { accepted: number; recalled: number; revoked: number; unavailable: number };
type Subject = { readonly pair: Pair; readonly token: string };

async function compare(
  world: CacheWorld,
  random: SeededRandom,
  counts: Counts,
  { pair, token }: Subject,
): Promise<string | undefined> {
  if (random.chance(0.06)) return compareConcurrent(world, random, pair, token);
  const expected = await outcomeOf(pair.oracle.verify(token));
  if (expected.startsWith('accepted')) counts.accepted += 1;
  else if (expected === 'token_revoked') counts.revoked += 1;
  else if (expected === 'revocation_unavailable') counts.unavailable += 1;
  if (random.chance(0.3)) {
    const known = recallOf(pair, token);
    if (known === undefined) return undefined;
    counts.recalled += 1;
    return differ(pair, 'recall', known, expected);
  }
  const verdict = pair.cached.verify(token);
  const difference = differ(pair, 'verify', await outcomeOf(verdict), expected);
  if (difference !== undefined || !expected.startsWith('accepted') || !random.chance(0.05)) return difference;
  return random.pick([vandalized, compareTwin, compareBoundaries])(world, random, pair, token, await verdict);
}

type Probe = (
  world: CacheWorld,
  random: SeededRandom,
  pair: Pair,
  token: string,
  verdict: VerifiedToken,
) => Promise<string | undefined>;

// The next comparisons show whether it had an effect.
const vandalized: Probe = async (_world, _random, _pair, _token, verdict) => {
  vandalize(verdict);
  return undefined;
};

// A token that is remembered, and one like it.
const compareTwin: Probe = async (world, random, pair, token) => {
  const twin = twinOf(token, world, random);
  return compareNow(pair, twin, 'verify of a twin');
};

// Around the moments at which the verdict of a remembered token changes.
const compareBoundaries: Probe = async (world, _random, pair, token, { window }) => {
  const { nowMs } = world;
  for (const moment of [window.expiresAtMs, window.notBeforeMs]) {
    if (moment - 1 < world.revocations.floorMs) continue;
    for (const offset of [-1, -0.25, 0, 0.25, 1]) {
      world.nowMs = moment + offset;
      const difference = await compareNow(pair, token, `verify at ${moment} ${offset} ms`);
      if (difference !== undefined) return difference;
      // Remembered again, for the next moment to refuse.
      world.nowMs = nowMs;
      await outcomeOf(pair.cached.verify(token));
    }
  }
  return undefined;
};

async function compareNow(pair: Pair, token: string, call: string): Promise<string | undefined> {
  return differ(pair, call, await outcomeOf(pair.cached.verify(token)), await outcomeOf(pair.oracle.verify(token)));
}

// Several callers at once, some of whom come later, while the keys are on their way and the world goes on. A yes must be right
// at some moment between the call and the answer. A no may also be one that an earlier caller's shared verification gave.
async function compareConcurrent(
  world: CacheWorld,
  random: SeededRandom,
  pair: Pair,
  token: string,
): Promise<string | undefined> {
  const isSlow = random.chance(0.6);
  if (isSlow) for (const keys of world.issuers) keys.holdBack();
  const calls: { readonly wave: number; readonly answer: Promise<string> }[] = [];
  const fresh: { readonly wave: number; readonly answer: Promise<string> }[] = [];
  const waves = random.between(1, 3);
  for (let wave = 0; wave < waves; wave += 1) {
    // A hit answers at once; with slow keys there is none.
    if (!isSlow) fresh.push({ wave, answer: Promise.resolve(await outcomeOf(pair.oracle.verify(token))) });
    for (let caller = random.between(1, 3); caller > 0; caller -= 1) {
      calls.push({ wave, answer: outcomeOf(pair.cached.verify(token)) });
      fresh.push({ wave, answer: outcomeOf(pair.oracle.verify(token)) });
    }
    if (random.chance(0.5)) await Promise.resolve();
    if (random.chance(0.5)) act(world, random);
  }
  for (const keys of world.issuers) keys.release();
  const answers = await Promise.all(calls.map(async ({ wave, answer }) => ({ wave, answer: await answer })));
  const expected = await Promise.all(fresh.map(async ({ wave, answer }) => ({ wave, answer: await answer })));
  expected.push({ wave: waves, answer: await outcomeOf(pair.oracle.verify(token)) });
  const wrong = answers.find(({ wave, answer }) => {
    const isYes = answer.startsWith('accepted');
    return !expected.some((right) => right.answer === answer && (!isYes || right.wave >= wave));
  });
  return (
    wrong &&
    differ(pair, 'concurrent verify', wrong.answer, expected.map(({ wave, answer }) => `${wave}: ${answer}`).join(' or '))
  );
}

// What `holds` throws while revocations are stale comes through: a verdict that is remembered, and not to be used now.
function recallOf({ cached }: Pair, token: string): string | undefined {
  try {
    const known = cached.recall(token);
    return known && describe(known);
  } catch (error) {
    return codeOf(error);
  }
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
