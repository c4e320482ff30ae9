/** What runs out, where, and at which load. */
import { figure } from '../basis.ts';
import type { Calibration } from '../calibration.ts';
import { demandsOf, meanOf } from './demand.ts';
import { linksOf } from './links.ts';
import { peaksOf } from './sizing.ts';
import type { SizedSystem } from './system.ts';
import type { Bottleneck, Resource } from './types.ts';
import type { Scenario } from '../scenario.ts';

interface Fill {
  readonly resource: Resource;
  readonly place: string;
  readonly utilization: number;
}

/** All limits of a system with the servers that it has, those that are reached first in front. */
export function bottlenecksOf(scenario: Scenario, calibration: Calibration, system: SizedSystem): readonly Bottleneck[] {
  const instances = new Map(system.nodes.map((node) => [node.name, node.instances]));
  const fillAt = (users: number): readonly Fill[] => {
    const requestsPerSecond = users * scenario.requestsPerUserPerSecond;
    return [
      ...cpuFills(scenario, demandsOf(scenario, calibration, users, instances), requestsPerSecond, instances),
      ...linkFills(scenario, linksOf(scenario, calibration, users, instances), requestsPerSecond),
    ];
  };
  const here = fillAt(system.users);
  const factors = here.map((fill, index) =>
    factorToFull(fill.utilization, (factor) => fillAt(system.users * factor)[index]!.utilization),
  );
  return here
    .map(({ resource, place, utilization }, index) => ({
      resource,
      place,
      utilization: figure(utilization, 'extrapolated'),
      requestsPerSecond: figure(system.requestsPerSecond * factors[index]!, 'extrapolated'),
    }))
    .filter(({ requestsPerSecond: { value } }) => Number.isFinite(value))
    .toSorted((one, other) => one.requestsPerSecond.value - other.requestsPerSecond.value);
}

function cpuFills(
  scenario: Scenario,
  nodes: ReturnType<typeof demandsOf>,
  requestsPerSecond: number,
  instances: ReadonlyMap<string, number>,
): readonly Fill[] {
  const peaks = peaksOf(scenario);
  return nodes.flatMap(({ name, visits, otherMicros, tokenWork, threads, cache }): Fill[] => {
    const micros = otherMicros * peaks.other + meanOf(tokenWork) * peaks.tokens;
    const cores = instances.get(name)! * threads;
    const cpu: Fill = { resource: 'cpu', place: name, utilization: (requestsPerSecond * visits * micros) / 1e6 / cores };
    if (cache === undefined) return [cpu];
    return [cpu, { resource: 'cache', place: name, utilization: cache.liveTokens / scenario.cache.entries }];
  });
}

function linkFills(scenario: Scenario, links: ReturnType<typeof linksOf>, requestsPerSecond: number): readonly Fill[] {
  const bitsPerSecond = scenario.network.linkGbps * 1e9;
  return links.flatMap(({ link, requests, tokenBytes, tableLoad }): Fill[] => {
    const bits = tokenBytes * 8 * requests * requestsPerSecond * scenario.async.peakFactor;
    const full: Fill = { resource: 'link', place: link, utilization: bits / bitsPerSecond };
    return tableLoad === undefined ? [full] : [full, { resource: 'tables', place: link, utilization: tableLoad }];
  });
}

/** Steps towards the load at which it is full; each goes on as if the cost of a request stayed the same. */
const STEPS = 6;

// Nearly linear: what a request costs changes slowly with the load.
function factorToFull(utilization: number, at: (factor: number) => number): number {
  if (utilization <= 0) return Number.POSITIVE_INFINITY;
  let factor = 1 / utilization;
  for (let step = 0; step < STEPS && factor < 1e12; step += 1) {
    const reached = at(factor);
    if (reached <= 0) return Number.POSITIVE_INFINITY;
    if (Math.abs(reached - 1) < 0.005) break;
    factor /= reached;
  }
  return factor < 1e12 ? factor : Number.POSITIVE_INFINITY;
}
