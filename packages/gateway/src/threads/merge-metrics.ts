/** The metrics of all threads as those of one gateway. */
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';
import type { MetricsSnapshot } from './messages.ts';

/** Gauges that say the same in each thread, or how bad the worst one is. All others are sums. */
const WORST_OF_ALL = /_seconds$|^watchword_revocation_(?:entries|owed)$/;

/** Adds up counters and histograms; of ages and lags the greatest. */
export function mergeMetrics(snapshots: readonly MetricsSnapshot[]): Registry {
  const marked = snapshots.map((snapshot) => snapshot.map((metric) => ({ ...metric, aggregator: aggregatorOf(metric) })));
  return AggregatorRegistry.aggregate(marked);
}

/** What threads that are gone leave: counters never go back. */
export async function addToLegacy(legacy: MetricsSnapshot, last: MetricsSnapshot): Promise<MetricsSnapshot> {
  const lasting = last.filter(({ type }) => String(type) !== 'gauge');
  return (await mergeMetrics([legacy, lasting]).getMetricsAsJSON()) as unknown as MetricsSnapshot;
}

function aggregatorOf({ name, type }: MetricObjectWithValues<MetricValue<string>>): 'sum' | 'max' {
  return String(type) === 'gauge' && WORST_OF_ALL.test(name) ? 'max' : 'sum';
}
