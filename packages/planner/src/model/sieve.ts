/**
 * The hit ratio of a full cache that evicts by SIEVE and forgets expired verdicts at once.
 *
 * A mean-field model in closed form but for one or two unknowns. Since expired verdicts give their places back, the hand seldom has to
 * go round: it keeps a distance behind the newest entry. Whoever comes is on probation for that time, once; who was used by then stays
 * for the rest of the token's life. The distance is the unknown: it is such that the cache is full. Only if even the shortest
 * probation spares too many (a request may use its token several times at once) the hand goes round in laps, and looks at each entry
 * again and again; then the duration of a lap is the unknown.
 *
 * No random draws and nothing but rates: the same at a hundred users and a hundred million, in about a millisecond. Small caches differ by
 * what is random about them.
 */
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

/** Computes it; undefined: the cache is never full. */
export function sieveHitRatio(classes: readonly CallerClass[], entries: number, lifeSeconds: number): number | undefined {
  const samples = samplesFor(lifeSeconds);
  const measure = (looks: Looks): Account => account(classes, new SieveLaw(looks, samples));
  const never = measure(probation(NEVER * lifeSeconds));
  if (never.entries <= entries) return undefined;
  const surplus = (seconds: number): number => Math.log(measure(probation(seconds)).entries / entries);
  if (surplus(0) > 0) return inLaps(measure, entries, lifeSeconds);
  return hitRatio(measure(probation(rootOf(surplus, SHORTEST * lifeSeconds, NEVER * lifeSeconds))));
}

/** Of a life: later than that the hand finds only what has expired. */
const NEVER = 1.01;
const SHORTEST = 1e-12;
const ROUNDS = 6;
const KINDS = 6;
/** Of a life. */
const [SHORTEST_LAP, LONGEST_LAP] = [1e-9, 100];

/** What happens per second, all classes together. */
interface Account {
  readonly uses: number;
  readonly misses: number;
  readonly entries: number;
  readonly evictions: number;
  readonly atFirst: number;
  readonly atSecond: number;
}

function probation(seconds: number): Looks {
  return { kinds: [{ first: seconds, second: Infinity }], later: Infinity };
}

// Where the hand is when depends on what it evicts, and that on where it is.
function inLaps(measure: (looks: Looks) => Account, entries: number, lifeSeconds: number): number {
  let [atFirst, atSecond] = [0.5, 0.25];
  let found: Account | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const surplus = (lap: number): number => Math.log(measure(laps(lap, atFirst, atSecond)).entries / entries);
    found = measure(laps(rootOf(surplus, SHORTEST_LAP * lifeSeconds, LONGEST_LAP * lifeSeconds), atFirst, atSecond));
    [atFirst, atSecond] = [found.atFirst / found.evictions, found.atSecond / found.evictions];
  }
  return hitRatio(found!);
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
  const sum = { uses: 0, misses: 0, entries: 0, evictions: 0, atFirst: 0, atSecond: 0 };
  for (const callers of classes) {
    const { tokensPerSecond: rate, usesPerToken } = callers;
    const { insertions, seconds, evictions, atFirst, atSecond } = law.lifeOf(callers);
    sum.uses += rate * usesPerToken;
    sum.misses += rate * insertions;
    sum.entries += rate * seconds;
    sum.evictions += rate * evictions;
    sum.atFirst += rate * atFirst;
    sum.atSecond += rate * atSecond;
  }
  return sum;
}

function hitRatio({ misses, uses }: Account): number {
  return Math.max(0, 1 - misses / uses);
}
