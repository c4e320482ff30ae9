/** Hit ratio of caches that are too small for all tokens that are alive. */
import type { CacheLayout } from './cache-hits.ts';
import { alternationOf } from './caller-states.ts';
import { type CallerClass, sieveHitRatio } from './sieve.ts';
import { usesInLife } from './token-life.ts';
import type { UserClass } from './users.ts';

/** Services that are alike, and plans that differ in other things, ask for the same. */
const known = new Map<string, number>();
const MOST_KNOWN = 1000;

/** Computes it, or remembers it. @param unbounded what it is if the cache holds everything */
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
  const begins = 1 - (1 - 1 / places) ** visits;
  const once = (visits / places) * (1 - 1 / places) ** (visits - 1);
  const sessions = alternationOf(session);
  const repeats = Math.max(0, 1 - once / begins);
  const callers = merged(classes)
    .filter(({ requestsPerSecond }) => requestsPerSecond > 0)
    .map(({ users, requestsPerSecond }): CallerClass => {
      const uses = usesInLife(
        { requestsPerSecond, busySeconds: session.busySeconds, idleSeconds: session.idleSeconds },
        lifeSeconds,
      );
      const whenBusy = (requestsPerSecond * (session.busySeconds + session.idleSeconds)) / session.busySeconds;
      return {
        sessions,
        begins,
        repeats,
        perSecond: whenBusy * begins,
        tokensPerSecond: (users * requestsPerSecond) / uses / groups,
        usesPerToken: (uses * visits) / places,
      };
    });
  return Math.min(unbounded, sieveHitRatio(callers, entries, lifeSeconds) ?? unbounded);
}

const MOST_CLASSES = 24;

// Neighbours together, the same number each time.
function merged(classes: readonly UserClass[]): readonly UserClass[] {
  const each = Math.ceil(classes.length / MOST_CLASSES);
  return Array.from({ length: Math.ceil(classes.length / each) }, (_, index) => {
    const group = classes.slice(index * each, (index + 1) * each);
    const users = group.reduce((sum, one) => sum + one.users, 0);
    return { users, requestsPerSecond: group.reduce((sum, one) => sum + one.users * one.requestsPerSecond, 0) / users };
  });
}
