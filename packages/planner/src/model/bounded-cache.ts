/** Placeholder. */
import type { CacheLayout } from './cache-hits.ts';
import { fifoHitRatio } from './header-table.ts';

export function boundedHits({ classes, lifeSeconds, places, groups, entries }: CacheLayout, unbounded: number): number {
  const callers = classes.map(({ users, requestsPerSecond }) => ({
    users: users / groups,
    requestsPerSecond: requestsPerSecond / places,
  }));
  return Math.min(unbounded, fifoHitRatio(callers, lifeSeconds, entries));
}
