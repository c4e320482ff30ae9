/** What the planner's terms are called on the page. */
import { type Bottleneck, type Figure, type Remedy, type Resource, BASIS_MARKS } from '@watchword/planner';

/** The seven ways out. */
export const REMEDY_NAMES: Readonly<Record<Remedy, string>> = {
  scaling: 'Instances follow the load',
  caching: 'Verification cache',
  offloading: 'Verify once, at the gateway',
  lightweight: 'Lightweight token inside',
  http2: 'HTTP/2 or gRPC inside',
  async: 'Deferred verification',
  analysis: 'Servers filled by analysis',
};

const RESOURCES: Readonly<Record<Resource, string>> = {
  cpu: 'CPU',
  link: 'Network',
  cache: 'Cache',
  tables: 'Header tables',
};

/** `CPU: orders`. */
export function limitName({ resource, place }: Bottleneck): string {
  return `${RESOURCES[resource]}: ${place.replaceAll('->', '→')}`;
}

/** Limits that are reached at the same load stand together, those that are reached first in front. */
export function groupedLimits(bottlenecks: readonly Bottleneck[]): { readonly name: string; readonly at: number }[] {
  const groups = new Map<string, { resource: Resource; at: number; places: string[] }>();
  for (const { resource, place, requestsPerSecond } of bottlenecks) {
    const key = `${resource} ${requestsPerSecond.value.toPrecision(6)}`;
    const group = groups.get(key) ?? { resource, at: requestsPerSecond.value, places: [] };
    group.places.push(place.replaceAll('->', '→'));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ resource, at, places }) => ({ name: `${RESOURCES[resource]}: ${places.join(', ')}`, at }));
}

/** A figure with the mark of where it comes from: a guess is never read as a measurement. */
export function marked({ value, basis }: Figure, show: (value: number) => string): string {
  return `${BASIS_MARKS[basis]}${show(value)}`;
}
