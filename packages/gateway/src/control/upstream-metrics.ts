/** How the upstreams fare. Labels: the name from the configuration, and the place of the target in its list. */
import type { MemberStats } from '../upstream/member.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type Add, type Values, labelled } from './scraped-metric.ts';

/** Adds the metrics of upstreams and their targets. Over several threads gauges add up. */
export function addUpstreams(list: () => readonly Upstream[], add: Add): void {
  const perTarget = (type: string, name: string, help: string, valueOf: (stats: MemberStats) => number): void =>
    add(type, `upstream_${name}`, help, () => list().flatMap((upstream) => valuesOf(upstream, valueOf)));
  perTarget('gauge', 'requests_in_flight', 'Requests under way at a target', ({ inFlight }) => inFlight);
  perTarget('gauge', 'ejected', 'Whether a target is left alone because of its failures', ({ ejected }) => Number(ejected));
  perTarget('gauge', 'healthy', 'What the health checks of a target say; 1 without them', ({ healthy }) => Number(healthy));
  perTarget('counter', 'failures_total', 'No connection, no answer, 502, 503 or 504', ({ failures }) => failures);
  perTarget('counter', 'ejections_total', 'How often a target was left alone', ({ ejections }) => ejections);
  perTarget('counter', 'retries_total', 'Requests sent to a target after another attempt had failed', ({ retries }) => retries);
  add('gauge', 'upstream_requests_waiting', 'Requests that wait for a place', () =>
    list().map((upstream) => labelled({ upstream: upstream.name }, upstream.stats().waiting)),
  );
}

function valuesOf(upstream: Upstream, valueOf: (stats: MemberStats) => number): Values {
  return upstream
    .stats()
    .members.map((stats, target) => labelled({ upstream: upstream.name, target: String(target) }, valueOf(stats)));
}
