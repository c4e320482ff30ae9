/** Hit ratio of caches that are full: in the long run all are, since expired verdicts stay until others need their places. */
import type { CacheLayout } from './cache-hits.ts';
import { COARSE, FINE, type FluidClass, sieveHitRatio } from './sieve-fluid.ts';
import type { UserClass } from './users.ts';
import { type Caller, placesInLife, silence, usesInLife } from './token-life.ts';

/** Services that are alike, and plans that differ in other things, ask for the same. */
const known = new Map<string, number>();
const MOST_KNOWN = 1000;

/** Computes it, or remembers it. */
export function boundedHits(layout: CacheLayout, unbounded: number): number {
  const key = JSON.stringify(layout);
  let hits = known.get(key);
  if (hits === undefined) {
    hits = compute(layout, unbounded);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, hits);
  }
  return hits;
}

function compute(layout: CacheLayout, unbounded: number): number {
  const { classes, session, lifeSeconds, places, groups, entries, visits = 1 } = layout;
  const fluid = merged(classes, layout.isFine ? FINE_CLASSES : COARSE_CLASSES)
    .filter(({ requestsPerSecond }) => requestsPerSecond > 0)
    .map(({ users, requestsPerSecond }): FluidClass => {
      const caller: Caller = { requestsPerSecond, ...session };
      const untouched = (1 - 1 / places) ** visits;
      const seen = placesInLife(caller, lifeSeconds, places, visits);
      // As it is without bounds: the time until this cache sees the next token is what is left of the cycle.
      const missRate = (requestsPerSecond / usesInLife(caller, lifeSeconds)) * (seen / places);
      const livesOn = (seconds: number): number =>
        seconds >= lifeSeconds ? 0 : placesInLife(caller, lifeSeconds - seconds, places, visits) / seen;
      const waiting = 1 / missRate - meanOf(livesOn, lifeSeconds);
      return {
        users: users / groups,
        requestsPerSecond: (requestsPerSecond * visits) / places,
        arrival: 1 / Math.max(waiting, 1e-9),
        livesOn,
        logUnused: (seconds) => logSilence(caller, 1 - untouched, seconds),
      };
    });
  return Math.min(unbounded, sieveHitRatio(fluid, entries, lifeSeconds, layout.isFine ? FINE : COARSE));
}

const STEPS = 32;
const FINE_CLASSES = 40;
const COARSE_CLASSES = 8;

// Neighbours together, the same number each time.
function merged(classes: readonly UserClass[], most: number): readonly UserClass[] {
  const each = Math.ceil(classes.length / most);
  return Array.from({ length: Math.ceil(classes.length / each) }, (_, index) => {
    const group = classes.slice(index * each, (index + 1) * each);
    const users = group.reduce((sum, one) => sum + one.users, 0);
    return { users, requestsPerSecond: group.reduce((sum, one) => sum + one.users * one.requestsPerSecond, 0) / users };
  });
}

function logSilence(caller: Caller, share: number, seconds: number): number {
  if (caller.idleSeconds === 0) return -caller.requestsPerSecond * share * seconds;
  return Math.log(Math.max(silence(caller, share, seconds), Number.MIN_VALUE));
}

function meanOf(share: (seconds: number) => number, lifeSeconds: number): number {
  let sum = 0;
  for (let step = 0; step < STEPS; step += 1) sum += share(((step + 0.5) / STEPS) * lifeSeconds);
  return (sum / STEPS) * lifeSeconds;
}
