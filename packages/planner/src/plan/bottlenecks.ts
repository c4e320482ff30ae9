/** What runs out, where, and at which load. */
import { figure } from '../basis.ts';
import type { SizedSystem } from './system.ts';
import type { Bottleneck, Resource } from './types.ts';
import type { Scenario } from '../scenario.ts';

interface Fill {
  readonly resource: Resource;
  readonly place: string;
  readonly utilization: number;
}

/**
 * All limits of a system with the servers that it has, those that are reached first in front. At which load: as if a request went on
 * costing what it costs at this size.
 */
export function bottlenecksOf(scenario: Scenario, { nodes, links, requestsPerSecond }: SizedSystem): readonly Bottleneck[] {
  const fills = [...cpuFills(scenario, nodes), ...linkFills(scenario, links, requestsPerSecond)];
  return fills
    .filter(({ utilization }) => utilization > 0)
    .map(({ resource, place, utilization }) => ({
      resource,
      place,
      utilization: figure(utilization, 'extrapolated'),
      requestsPerSecond: figure(requestsPerSecond / utilization, 'extrapolated'),
    }))
    .toSorted((one, other) => one.requestsPerSecond.value - other.requestsPerSecond.value);
}

function cpuFills(scenario: Scenario, nodes: SizedSystem['nodes']): readonly Fill[] {
  return nodes.flatMap(({ name, utilization, cache }): Fill[] => {
    const cpu: Fill = { resource: 'cpu', place: name, utilization };
    if (cache === undefined) return [cpu];
    return [cpu, { resource: 'cache', place: name, utilization: cache.liveTokens / scenario.cache.entries }];
  });
}

function linkFills(scenario: Scenario, links: SizedSystem['links'], requestsPerSecond: number): readonly Fill[] {
  const bitsPerSecond = scenario.network.linkGbps * 1e9;
  return links.flatMap(({ link, requests, tokenBytes, tableLoad }): Fill[] => {
    const bits = tokenBytes * 8 * requests * requestsPerSecond * scenario.async.peakFactor;
    const full: Fill = { resource: 'link', place: link, utilization: bits / bitsPerSecond };
    return tableLoad === undefined ? [full] : [full, { resource: 'tables', place: link, utilization: tableLoad }];
  });
}
