/**
 * The hit ratio of a full cache that evicts by SIEVE and whose expired verdicts give their places back. Both together make it simple: in
 * SIEVE the hand stays behind the newest entry as long as places become free, and does not go round. Whoever comes is on probation
 * until the hand passes, once; who was used by then stays to the end of the token's life. How long the probation is is the one unknown:
 * so long that the cache is full. If even none at all spares too many (requests that use their token several times at once), the
 * hand goes round in laps, and looks at entries again and again: then the duration of a lap is the unknown.
 *
 * A mean-field model, chosen over a small simulation because it takes a millisecond, draws nothing at random, and knows rates only, so
 * that it is the same at a hundred users and at a hundred million. It is exact for large caches. Where few entries are on probation at a
 * time (the cache holds less than some 40 times what a busy user requests in the life of a token), chance now and then takes the hand
 * round, and throws out the tokens of idle users: then this is too low, by more the more users are idle. Likewise in the
 * narrow border between probation and laps.
 */
import type { Alternation } from './caller-states.ts';
import { samplesFor } from './laplace.ts';
import { rootOf } from './root.ts';
import { type Callers, SieveLaw } from './sieve-law.ts';
import type { Looks } from './sieve-looks.ts';

/** Users who are alike, as one of the caches sees them. */
export interface CallerClass extends Callers {
  /** Tokens of theirs that begin, per second. */
  readonly tokensPerSecond: number;
  /** Look-ups in this cache in the life of one. */
  readonly usesPerToken: number;
}

/** What comes of it. */
export interface SieveHits {
  readonly hitRatio: number;
  /** How often one token comes into this cache in its life, by class. */
  readonly insertions: readonly number[];
}

/** Computes it; undefined: the cache is never full. */
export function sieveHits(
  classes: readonly CallerClass[],
  sessions: Alternation,
  entries: number,
  lifeSeconds: number,
): SieveHits | undefined {
  const law = new SieveLaw(samplesFor(lifeSeconds), sessions);
  const measure = (looks: Looks): Account => {
    law.lookAt(looks);
    return account(classes, law);
  };
  const surplus = (seconds: number): number => Math.log(measure(probation(seconds)).entries / entries);
  const longest = NEVER * lifeSeconds;
  if (surplus(longest) <= 0) return undefined;
  if (classes.some(({ repeats }) => repeats > 0) && surplus(0) > 0) return inLaps(measure, entries, lifeSeconds);
  return hitsOf(measure(probation(rootOf(surplus, SHORTEST * lifeSeconds, longest))));
}

/** Of a life: later than that the hand finds only what has expired. */
const NEVER = 1.01;
const SHORTEST = 1e-12;
const LONGEST_LAP = 100;
const ROUNDS = 4;
/** How far the next round looks for a lap, up and down. */
const NEARBY = 4;
const KINDS = 4;

/** What happens per second, all classes together. */
interface Account {
  readonly uses: number;
  readonly misses: number;
  readonly entries: number;
  readonly evictions: number;
  readonly atFirst: number;
  readonly atSecond: number;
  /** Of one token of each class. */
  readonly insertions: readonly number[];
}

function probation(seconds: number): Looks {
  return { kinds: [{ first: seconds, second: Infinity }], later: Infinity };
}

// Where the hand is depends on what it evicts, and that on where it is.
function inLaps(measure: (looks: Looks) => Account, entries: number, lifeSeconds: number): SieveHits {
  let [atFirst, atSecond] = [0.5, 0.25];
  let [least, most] = [SHORTEST * lifeSeconds, LONGEST_LAP * lifeSeconds];
  let found: Account | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const surplus = (lap: number): number => Math.log(measure(laps(lap, atFirst, atSecond)).entries / entries);
    const lap = rootOf(surplus, least, most);
    found = measure(laps(lap, atFirst, atSecond));
    [atFirst, atSecond] = [found.atFirst / found.evictions, found.atSecond / found.evictions];
    [least, most] = [lap / NEARBY, lap * NEARBY];
  }
  return hitsOf(found!);
}

/**
 * A lap goes from the oldest entry to the newest. The hand takes time in proportion to what it evicts: first among those that it has
 * looked at twice, then among those that came in the last lap, then among those that come in this one, from the first to the last.
 */
function laps(seconds: number, atFirst: number, atSecond: number): Looks {
  const kinds = Array.from({ length: KINDS }, (_, kind) => {
    const came = (kind + 0.5) / KINDS;
    const reached = 1 - atFirst + atFirst * came;
    const reachedAgain = 1 - atFirst - atSecond + atSecond * came;
    return { first: seconds * (reached - came), second: seconds * (1 + reachedAgain - reached) };
  });
  return { kinds, later: seconds };
}

function account(classes: readonly CallerClass[], law: SieveLaw): Account {
  const each: number[] = [];
  const sum = { uses: 0, misses: 0, entries: 0, evictions: 0, atFirst: 0, atSecond: 0, insertions: each };
  for (const callers of classes) {
    const { tokensPerSecond: rate, usesPerToken } = callers;
    const { insertions, seconds, evictions, atFirst, atSecond } = law.lifeOf(callers);
    each.push(insertions);
    sum.uses += rate * usesPerToken;
    sum.misses += rate * insertions;
    sum.entries += rate * seconds;
    sum.evictions += rate * evictions;
    sum.atFirst += rate * atFirst;
    sum.atSecond += rate * atSecond;
  }
  // Expired ones go at the next whole second, half of one late. All at once, and it takes a part of a second to fill their places.
  const expired = sum.misses - sum.evictions;
  sum.entries += (expired / 2) * (1 + expired / sum.misses);
  return sum;
}

function hitsOf({ misses, uses, insertions }: Account): SieveHits {
  return { hitRatio: Math.max(0, 1 - misses / uses), insertions };
}
