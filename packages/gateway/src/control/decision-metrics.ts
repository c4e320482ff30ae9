/** What the metrics say about decisions for other proxies. */
import type { ServiceTally } from '../services/service-tally.ts';
import { type Add, labelled } from './scraped-metric.ts';

/** Adds the metrics of all services. */
export function addDecisions(tallies: readonly ServiceTally[], add: Add): void {
  add('counter', 'decisions_total', 'Decisions for other proxies by service and result', () =>
    tallies.flatMap(({ service, results }) => [...results].map(([result, value]) => labelled({ service, result }, value))),
  );
  add('counter', 'decision_seconds_total', 'Time from question to answer', () =>
    tallies.map(({ service, seconds }) => labelled({ service }, seconds)),
  );
  add('counter', 'decision_untrusted_connections_total', 'Connections of addresses that are no trusted proxy, cut off', () =>
    tallies.map(({ service, untrusted }) => labelled({ service }, untrusted)),
  );
}
