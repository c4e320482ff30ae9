/** Hit ratio of caches that are too small for all tokens that are alive. */
import type { CacheLayout } from './cache-hits.ts';
import { alternationOf } from './caller-states.ts';
import { type CallerClass, type SieveHits, sieveHits } from './sieve.ts';
import { usesInLife } from './token-life.ts';

/** Computes it; undefined: they are not. Classes of users who make requests only. */
export function boundedHits(layout: CacheLayout): SieveHits | undefined {
  const { classes, session, lifeSeconds, places, groups, entries, visits = 1 } = layout;
  const begins = 1 - (1 - 1 / places) ** visits;
  const once = (visits / places) * (1 - 1 / places) ** (visits - 1);
  const repeats = Math.max(0, 1 - once / begins);
  const callers = classes.map(({ users, requestsPerSecond }): CallerClass => {
    const uses = usesInLife(
      { requestsPerSecond, busySeconds: session.busySeconds, idleSeconds: session.idleSeconds },
      lifeSeconds,
    );
    const whenBusy = (requestsPerSecond * (session.busySeconds + session.idleSeconds)) / session.busySeconds;
    return {
      begins,
      repeats,
      perSecond: whenBusy * begins,
      tokensPerSecond: (users * requestsPerSecond) / uses / groups,
      usesPerToken: (uses * visits) / places,
    };
  });
  return sieveHits(callers, alternationOf(session), entries, lifeSeconds);
}
