/** The metrics of a gateway in the Prometheus text format, read from plain counters at each scrape. */
import type { AdaptiveChecksStats, CacheStats, KnownBadStats, RemoteKeys, StatusLists, TxnMinter } from '@watchword/core';
import { type Metric, Registry } from 'prom-client';
import type { Upstream } from '../upstream/upstream.ts';
import type { ReloadStats } from '../reload/reload-stats.ts';
import { addHops } from './hop-metrics.ts';
import { addReloads } from './reload-metrics.ts';
import { type RevocationMetricSource, addRevocation } from './revocation-metrics.ts';
import { type SigningKeyMetricSource, addSigningKeys } from './signing-key-metrics.ts';
import { ScrapedMetric, type Values, labelled, plain } from './scraped-metric.ts';
import { addAdaptive, addCache, addKeys, addKnownBad, addStatusLists } from './verification-metrics.ts';
import { addUpstreams } from './upstream-metrics.ts';
import { addDecisions } from './decision-metrics.ts';
import { DURATION_BUCKETS, type RouteTallies, type RouteTally, type Tally } from './tally.ts';

/** Where the numbers come from. */
export interface MetricSources {
  readonly tally: Tally;
  readonly routes: RouteTallies;
  readonly cache?: (() => CacheStats) | undefined;
  readonly minter?: Pick<TxnMinter, 'stats'> | undefined;
  readonly remoteKeys: readonly RemoteKeys[];
  readonly revocation?: RevocationMetricSource | undefined;
  readonly signingKeys?: SigningKeyMetricSource | undefined;
  readonly adaptive?: (() => AdaptiveChecksStats) | undefined;
  readonly knownBad?: (() => KnownBadStats) | undefined;
  readonly statusLists?: readonly StatusLists[] | undefined;
  readonly upstreams?: (() => readonly Upstream[]) | undefined;
  /** undefined: another thread shows them. */
  readonly reloads?: ReloadStats | undefined;
}

/** Builds the registry. No label holds anything that a client chose (E12). */
export function createMetrics({
  tally,
  routes,
  cache,
  minter,
  remoteKeys,
  revocation,
  signingKeys,
  adaptive,
  knownBad,
  statusLists = [],
  upstreams,
  reloads,
}: MetricSources): Registry {
  const registry = new Registry();
  const add = (type: string, name: string, help: string, values: () => Values): void => {
    registry.registerMetric(new ScrapedMetric(type, `watchword_${name}`, help, values) as unknown as Metric<string>);
  };
  const total = (name: string, help: string, value: () => number): void => add('counter', name, help, () => [plain(value())]);

  add('counter', 'requests_total', 'Requests by route and status; 499: the client left first', () =>
    distinct(routes).flatMap(requestsOf),
  );
  add('histogram', 'request_duration_seconds', 'From the request header to the end of the answer', () =>
    distinct(routes).flatMap(durationsOf),
  );
  add('counter', 'refusals_total', 'Requests refused, or failed upstream, by error code', () =>
    [...tally.refusals].map(([code, value]) => labelled({ code }, value)),
  );
  total('removed_txn_tokens_total', 'Txn-Token fields that clients sent and that were removed', () => tally.removedTxnTokens);
  add('gauge', 'streams_open', 'Requests that have run for longer than a second, WebSockets included', () => [
    plain(tally.openStreams),
  ]);
  add('counter', 'streams_ended_total', 'Streams that the edge has ended, by error code', () =>
    [...tally.endedStreams].map(([code, value]) => labelled({ code }, value)),
  );
  total('connections_turned_away_total', 'Client connections beyond limits.connections', () => tally.turnedAway);
  add('gauge', 'requests_running', 'Requests that run', () => [plain(tally.running)]);
  total('signature_checks_total', 'Signature checks in this process', () => tally.signatureChecks);
  if (cache !== undefined) addCache(cache, add, total);
  if (minter !== undefined) {
    total('txn_tokens_minted_total', 'Txn-Tokens signed', () => minter.stats().minted);
    total('txn_tokens_reused_total', 'Requests that got a Txn-Token from the reuse window', () => minter.stats().reused);
  }
  if (signingKeys !== undefined) addSigningKeys(signingKeys, add, total);
  addKeys(remoteKeys, add);
  addStatusLists(statusLists, add);
  addDecisions(tally.services, add);
  if (knownBad !== undefined) addKnownBad(knownBad, add, total);
  if (adaptive !== undefined) addAdaptive(adaptive, add);
  if (revocation !== undefined) addRevocation(revocation, add, total);
  if (upstreams !== undefined) {
    addUpstreams(upstreams, add);
    addHops(() => [tally.clients, ...upstreams().map(({ hop }) => hop)], add);
  }
  if (reloads !== undefined) addReloads(reloads, add);
  return registry;
}

// A series that stands twice is an error in the text format.
function distinct({ all }: RouteTallies): readonly RouteTally[] {
  return [...new Set(all)];
}

function requestsOf({ route, statuses }: RouteTally): Values {
  return [...statuses].map(([status, value]) => labelled({ route, status: String(status) }, value));
}

function durationsOf({ route, buckets, seconds, count }: RouteTally): Values {
  if (count === 0) return [];
  let below = 0;
  const name = 'watchword_request_duration_seconds';
  const cumulated = [...buckets].map((value, index) => {
    below += value;
    return labelled({ route, le: String(DURATION_BUCKETS[index] ?? '+Inf') }, below, `${name}_bucket`);
  });
  return [...cumulated, labelled({ route }, seconds, `${name}_sum`), labelled({ route }, count, `${name}_count`)];
}
