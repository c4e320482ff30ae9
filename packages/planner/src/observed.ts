/** What two looks at the metrics of a gateway say about it. Pure: somebody else fetches the text. */
import type { Observed, Scenario } from './scenario.ts';

/** The metrics of a gateway, in the Prometheus text format, at one time. */
export interface MetricsLook {
  readonly text: string;
  readonly atMs: number;
}

/**
 * What happened between two looks. Ratios without any traffic in between are those since the gateway's start.
 * @throws RangeError when the text has no metrics of a gateway, or the second look is not after the first
 */
export function observe(source: string, first: MetricsLook, second: MetricsLook): Observed {
  const seconds = (second.atMs - first.atMs) / 1000;
  if (!(seconds > 0)) throw new RangeError('the second look must be after the first');
  const [before, after] = [readSeries(first.text), readSeries(second.text)];
  if (!after.has('requests_total') && !after.has('signature_checks_total'))
    throw new RangeError('shows no metrics of a Watchword gateway');
  const gained = totalOf(after, 'requests_total') > totalOf(before, 'requests_total');
  const count = (name: string, labels?: Labels): number =>
    totalOf(after, name, labels) - (gained ? totalOf(before, name, labels) : 0);
  const requests = count('requests_total');
  const [hits, misses] = [count('cache_hits_total'), count('cache_misses_total')];
  const [minted, reused] = [count('txn_tokens_minted_total'), count('txn_tokens_reused_total')];
  const savedMicros = count('cache_saved_seconds_total') * 1e6;
  return {
    source,
    seconds,
    requestsPerSecond: gained ? requests / seconds : 0,
    hitRatio: ratio(hits, hits + misses),
    cacheEntries: totalOf(after, 'cache_entries'),
    cacheBytes: totalOf(after, 'cache_bytes'),
    verifyMicros: hits > 0 && savedMicros > 0 ? savedMicros / hits : undefined,
    signatureChecksPerRequest: ratio(count('signature_checks_total'), requests),
    reuseRatio: ratio(reused, minted + reused),
    hops: hopsOf(after).map((hop) => {
      const bytes = (name: string): number => count(name, { hop, direction: hop === 'clients' ? 'received' : 'sent' });
      const over = count('hop_requests_total', { hop });
      return {
        hop,
        bytesPerRequest: ratio(bytes('hop_bytes_total') - bytes('hop_body_bytes_total'), over),
        requestsPerSecond: gained ? over / seconds : 0,
      };
    }),
  };
}

/** The scenario with what was observed in the place of assumptions. */
export function withObserved(scenario: Scenario, observed: Observed): Scenario {
  const { requestsPerSecond, verifyMicros } = observed;
  if (requestsPerSecond === 0) return { ...scenario, observed };
  // As many users as make this rate at the pace of the scenario.
  const users = Math.max(1, requestsPerSecond / scenario.requestsPerUserPerSecond);
  const pace = requestsPerSecond / users;
  return {
    ...scenario,
    users,
    requestsPerUserPerSecond: pace,
    observed,
    ...(verifyMicros === undefined ? {} : { verifyMicros }),
  };
}

type Labels = Readonly<Record<string, string>>;
type Series = ReadonlyMap<string, readonly { readonly labels: Labels; readonly value: number }[]>;

const LINE = /^watchword_(\w+)(?:\{([^}]*)\})? ([-+.\deE]+|NaN|[+-]Inf)/;

function readSeries(text: string): Series {
  const series = new Map<string, { labels: Labels; value: number }[]>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined) continue;
    const entries = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, label]) => [key!, label!]);
    const list = series.get(name) ?? [];
    list.push({ labels: Object.fromEntries(entries), value: Number(value) });
    series.set(name, list);
  }
  return series;
}

function totalOf(series: Series, name: string, wanted: Labels = {}): number {
  return (series.get(name) ?? [])
    .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
    .reduce((sum, { value }) => sum + (Number.isFinite(value) ? value : 0), 0);
}

function hopsOf(series: Series): string[] {
  return (series.get('hop_requests_total') ?? []).map(({ labels }) => labels.hop ?? '');
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
