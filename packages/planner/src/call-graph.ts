/** The services that one request reaches, and how often. */
import type { Service } from './scenario.ts';

/** How often one request at the edge makes each service work, by name. Services that nobody calls: 0. */
export function visitsOf(services: readonly Service[]): ReadonlyMap<string, number> {
  const visits = new Map(services.map(({ name }, index) => [name, index === 0 ? 1 : 0]));
  // Callers come before those they call, so each service's visits are complete when they are passed on.
  for (const { name, calls } of callersFirst(services)) {
    for (const [callee, times] of Object.entries(calls)) visits.set(callee, visits.get(callee)! + visits.get(name)! * times);
  }
  return visits;
}

/** What is wrong with the graph: callees that are no services, and services that reach themselves. */
export function callGraphProblems(
  services: readonly Service[],
): { readonly path: readonly (string | number)[]; readonly reason: string }[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const strangers = services.flatMap(({ name, calls }) =>
    Object.keys(calls)
      .filter((callee) => !byName.has(callee))
      .map((callee) => ({ path: [name, 'calls', callee], reason: 'is not one of the services' })),
  );
  if (strangers.length > 0) return strangers;
  const circular = services.find(({ name }) => reaches(name, name, byName, new Set()));
  return circular === undefined ? [] : [{ path: [circular.name, 'calls'], reason: 'leads back to this service' }];
}

function reaches(from: string, to: string, byName: ReadonlyMap<string, Service>, seen: Set<string>): boolean {
  return Object.keys(byName.get(from)!.calls).some((callee) => {
    if (callee === to) return true;
    if (seen.has(callee)) return false;
    seen.add(callee);
    return reaches(callee, to, byName, seen);
  });
}

function callersFirst(services: readonly Service[]): readonly Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const calleesFirst = new Set<Service>();
  const add = (service: Service): void => {
    if (calleesFirst.has(service)) return;
    for (const callee of Object.keys(service.calls)) add(byName.get(callee)!);
    calleesFirst.add(service);
  };
  for (const service of services) add(service);
  return [...calleesFirst].toReversed();
}
