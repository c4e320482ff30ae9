/** The hits of the gateway's caches, counted in a simulation of the present system. */
import { type Figure, figure } from '../basis.ts';
import { spreadOf } from '../plan/demand.ts';
import type { Scenario } from '../scenario.ts';
import { simulateCache } from './simulate-cache.ts';

/** More users than that take too much memory; the ratio of a system in proportion is the same. */
export const MOST_SIMULATED_USERS = 200_000;
const MOST_REQUESTS = 10_000_000;
/** Lives of a token that are waited for, and counted. */
const LIVES = 3;

/** Simulates the gateway with its present instances, in some seconds. Half of the requests warm the caches up. */
export function simulateEdge(scenario: Scenario, seed = 1): Figure<'simulated'> {
  const { affinity, gateway, cache, token, session, zipf } = scenario;
  const users = Math.max(1, Math.round(Math.min(scenario.users, MOST_SIMULATED_USERS)));
  const scale = users / scenario.users;
  const requestsPerSecond = users * scenario.requestsPerUserPerSecond;
  const requests = Math.min(MOST_REQUESTS / 2, Math.ceil(requestsPerSecond * token.lifetimeSeconds * LIVES));
  const { hitRatio } = simulateCache({
    users,
    zipf,
    requestsPerSecond,
    session,
    lifeSeconds: token.lifetimeSeconds,
    ...spreadOf(affinity, gateway.instances, gateway.threads),
    entries: Math.max(1, Math.round(cache.entries * scale)),
    seed,
    warmUpRequests: requests,
    requests,
  });
  return figure(hitRatio, 'simulated');
}
