/** Where the remedies of a scenario do harm, why, and what would help. */
import type { Calibration } from '../calibration.ts';
import type { Remedy, Scenario } from '../scenario.ts';
import { GATEWAY, spreadOf } from './demand.ts';
import { sizeNodes } from './sizing.ts';
import { systemCost } from './system.ts';
import type { PlanRow, RemedyAdvice, SystemCost } from './types.ts';

/**
 * One sentence or a few for each size at which all remedies together take more cores than they spare, one for those that do not pay, and one
 * where caches may do better than is promised.
 */
export function remarksOf(
  scenario: Scenario,
  calibration: Calibration,
  rows: readonly PlanRow[],
  advice: readonly RemedyAdvice[],
): readonly string[] {
  const dearer = rows.filter((row) => row.with.cores.value > row.without.cores.value);
  return [
    ...dearer.map((row) => whyDearer(scenario, calibration, row)),
    ...unpaid(scenario, advice),
    ...smallCaches(scenario, calibration, rows),
  ];
}

function whyDearer(scenario: Scenario, calibration: Calibration, { users, without, with: on }: PlanRow): string {
  const money = (cost: SystemCost): string => `${count(cost.monthlyCost.value)} ${scenario.prices.currency} a month`;
  const verifiesMore = on.verificationCores.value > without.verificationCores.value;
  const threads = verifiesMore ? threadsOfUser(scenario, calibration, users) : 1;
  const sticky = threads > 1 ? systemCost({ ...scenario, affinity: 'instance' }, calibration, users) : undefined;
  const reason = verifiesMore
    ? `${short(on.signatureChecksPerRequest.value)} signature checks per request, and Txn-Tokens to mint, instead of ${short(without.signatureChecksPerRequest.value)} checks`
    : `verification takes ${short(on.verificationCores.value)} instead of ${short(without.verificationCores.value)}, but forwarding at the gateway and the hops inside take more`;
  return [
    `At ${count(users)} users the remedies take ${short(on.cores.value)} cores instead of ${short(without.cores.value)}, and ${money(on)} instead of ${money(without)}: ${reason}.`,
    ...(threads > 1
      ? [
          `The requests of one user come to ${count(threads)} threads of the gateway, each of which remembers and mints on its own.`,
        ]
      : []),
    ...(sticky !== undefined && sticky.cores.value < on.cores.value
      ? [
          `Let the load balancer send a user to the same instance (affinity: instance): ${short(sticky.cores.value)} cores, ${money(sticky)}.`,
        ]
      : []),
  ].join(' ');
}

// Threads of the gateway that one user comes to.
function threadsOfUser(scenario: Scenario, calibration: Calibration, users: number): number {
  const { affinity, remedies } = scenario;
  if (affinity !== 'none' || !remedies.offloading) return 1;
  const gateway = sizeNodes(scenario, calibration, users).find(({ name }) => name === GATEWAY)!;
  return gateway.instances * gateway.threads;
}

/** Without instances that follow the load there is no system to compare with. */
const NEEDED: Remedy = 'scaling';

function unpaid({ users }: Scenario, advice: readonly RemedyAdvice[]): readonly string[] {
  const names = advice
    .filter(({ remedy, isOn, savesPerMonth }) => isOn && savesPerMonth.value < 0 && remedy !== NEEDED)
    .map(({ remedy }) => remedy);
  if (names.length === 0) return [];
  return [`At ${count(users)} users these cost more than they save, as things are: ${names.join(', ')}.`];
}

/** Entries for each request that a busy user makes to a cache in the life of a token: in smaller ones chance helps (`sieve.ts`). */
const LEAST_ENTRIES = 40;

function smallCaches(scenario: Scenario, calibration: Calibration, rows: readonly PlanRow[]): readonly string[] {
  const { requestsPerUserPerSecond, token, session, cache, remedies, affinity } = scenario;
  if (!remedies.caching || !remedies.offloading) return [];
  const inLife =
    (requestsPerUserPerSecond * token.lifetimeSeconds * (session.busySeconds + session.idleSeconds)) / session.busySeconds;
  const small = rows.filter(({ users }) => {
    const gateway = sizeNodes(scenario, calibration, users).find(({ name }) => name === GATEWAY)!;
    const { places } = spreadOf(affinity, gateway.instances, gateway.threads);
    return (gateway.cache?.liveTokens ?? 0) > cache.entries && cache.entries < (LEAST_ENTRIES * inLife) / places;
  });
  if (small.length === 0) return [];
  const sizes = small.map(({ users }) => count(users)).join(', ');
  return [
    `At ${sizes} users the caches of the gateway are full, and small for what a busy user requests while a token lives: they may answer more than is promised here.`,
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(2)));
}
