/** What the metrics say about revocations. */
import type { RevocationStats } from '@watchword/core';
import { type Add, type Total, plain } from './scraped-metric.ts';

/** Where the numbers come from. */
export interface RevocationMetricSource {
  stats(): RevocationStats;
  acceptedWhileStale(): number;
}

/** Adds them. Refusals because of stale revocations are in `refusals_total` as `revocation_unavailable`. */
export function addRevocation({ stats, acceptedWhileStale }: RevocationMetricSource, add: Add, total: Total): void {
  const gauge = (name: string, help: string, value: () => number): void => add('gauge', name, help, () => [plain(value())]);
  gauge(
    'revocation_lag_seconds',
    'Time since the revocations were last known to be complete; +Inf: never',
    () => stats().lagMs / 1000,
  );
  gauge('revocation_entries', 'Revocations known here', () => stats().entries);
  gauge('revocation_bytes', 'Estimated memory of the revocations', () => stats().bytes);
  gauge('revocation_owed', 'Revocations in force here but not known to be in the log', () => stats().owed);
  add('gauge', 'revocation_delivery_seconds', 'From append to arrival, of the last revocation', () => {
    const { deliveryMs } = stats();
    return deliveryMs === undefined ? [] : [plain(deliveryMs / 1000)];
  });
  total('revocation_snapshots_total', 'Snapshots of the log taken; above 1 after a gap or a restart', () => stats().snapshots);
  total('revocation_failures_total', 'Failures to read from or to append to the log', () => stats().failures);
  total('revocation_repaid_total', 'Revocations given back to a log that had lost them', () => stats().repaid);
  total('revocation_stale_accepted_total', 'Requests accepted although the revocations were stale', acceptedWhileStale);
}
