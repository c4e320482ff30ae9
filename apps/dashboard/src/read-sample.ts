/** Turns what the control listener of a gateway says into a {@link Sample}. */
import { type Series, parseMetrics } from './prometheus.ts';
import type {
  CacheSample,
  Durations,
  HopSample,
  IssuerSample,
  QueueSample,
  RevocationSample,
  Sample,
  SigningKeySample,
  TargetSample,
  UpstreamSample,
} from './sample.ts';

/** What was fetched. */
export interface ControlAnswers {
  readonly atMs: number;
  readonly readiness: string;
  /** Body of `/metrics`. */
  readonly metrics: string;
  /** Body of `/.well-known/jwks.json`. */
  readonly jwks: unknown;
}

/** Reads. @throws Error when the text has no series of a gateway */
export function readSample({ atMs, readiness, metrics, jwks }: ControlAnswers): Sample {
  const table = new Table(parseMetrics(metrics));
  if (!table.has('requests_running') && !table.has('signature_checks_total')) {
    throw new Error('The answer has no metrics of a gateway');
  }
  return {
    atMs,
    readiness,
    isEdge: table.has('requests_running'),
    requests: table.sum('requests_total'),
    statuses: table.by('requests_total', ({ status }) => `${status?.[0] ?? '?'}xx`),
    refusals: table.by('refusals_total', ({ code }) => code ?? '?'),
    durations: durationsOf(table),
    signatureChecks: table.sum('signature_checks_total'),
    cache: cacheOf(table),
    knownBadHits: table.sum('known_bad_hits_total'),
    minted: table.sum('txn_tokens_minted_total'),
    reused: table.sum('txn_tokens_reused_total'),
    removed: table.sum('removed_txn_tokens_total'),
    queue: queueOf(table),
    hops: hopsOf(table),
    upstreams: upstreamsOf(table),
    issuers: issuersOf(table),
    signingKeys: signingKeysOf(table),
    revocation: revocationOf(table),
    publishedKeys: publishedKeysOf(jwks),
  };
}

/** Series by name, without the prefix. */
class Table {
  readonly #rows = new Map<string, Series[]>();

  constructor(series: readonly Series[]) {
    for (const one of series) {
      const rows = this.#rows.get(one.name);
      if (rows === undefined) this.#rows.set(one.name, [one]);
      else rows.push(one);
    }
  }

  has(name: string): boolean {
    return this.#rows.has(`watchword_${name}`);
  }

  rows(name: string): readonly Series[] {
    return this.#rows.get(`watchword_${name}`) ?? [];
  }

  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels);
    return this.rows(name)
      .filter((row) => wanted.every(([label, value]) => row.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** undefined: not there, or not finite. */
  finite(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const value = this.has(name) ? this.sum(name, labels) : Number.NaN;
    return Number.isFinite(value) ? value : undefined;
  }

  by(name: string, keyOf: (labels: Series['labels']) => string): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { labels, value } of this.rows(name)) sums[keyOf(labels)] = (sums[keyOf(labels)] ?? 0) + value;
    return sums;
  }

  /** Values of a label, each once, in the order in which they came. */
  values(name: string, label: string): string[] {
    return [...new Set(this.rows(name).map(({ labels }) => labels[label] ?? ''))];
  }
}

function durationsOf(table: Table): Durations {
  const byBound = table.by('request_duration_seconds_bucket', ({ le }) => le ?? '');
  const bounds = Object.keys(byBound)
    .filter((bound) => bound !== '+Inf')
    .sort((left, right) => Number(left) - Number(right));
  return { bounds: bounds.map(Number), counts: [...bounds, '+Inf'].map((bound) => byBound[bound] ?? 0) };
}

function cacheOf(table: Table): CacheSample | undefined {
  if (!table.has('cache_hits_total')) return undefined;
  return {
    hits: table.sum('cache_hits_total'),
    misses: table.sum('cache_misses_total'),
    evictions: table.sum('cache_evictions_total'),
    savedSeconds: table.sum('cache_saved_seconds_total'),
    entries: table.sum('cache_entries'),
    bytes: table.sum('cache_bytes'),
  };
}

function queueOf(table: Table): QueueSample {
  return {
    running: table.sum('requests_running'),
    streams: table.sum('streams_open'),
    checksRunning: table.sum('adaptive_running'),
    checksWaiting: table.sum('adaptive_waiting'),
    checksShed: table.sum('adaptive_checks_total', { where: 'shed' }),
  };
}

function hopsOf(table: Table): HopSample[] {
  return table.values('hop_requests_total', 'hop').map((hop) => {
    const bodyBytes = table.sum('hop_body_bytes_total', { hop });
    const requests = table.sum('hop_requests_total', { hop });
    return { hop, requests, bytes: Math.max(0, table.sum('hop_bytes_total', { hop }) - bodyBytes), bodyBytes };
  });
}

function upstreamsOf(table: Table): UpstreamSample[] {
  return table.values('upstream_healthy', 'upstream').map((upstream) => ({
    name: upstream,
    waiting: table.sum('upstream_requests_waiting', { upstream }),
    targets: table
      .rows('upstream_healthy')
      .filter(({ labels }) => labels['upstream'] === upstream)
      .map(({ labels }) => targetOf(table, { upstream, target: labels['target'] ?? '' })),
  }));
}

// Over several threads gauges add up: a target is ejected when a thread leaves it alone.
function targetOf(table: Table, labels: Readonly<Record<string, string>>): TargetSample {
  return {
    inFlight: table.sum('upstream_requests_in_flight', labels),
    healthy: table.sum('upstream_healthy', labels) > 0,
    ejected: table.sum('upstream_ejected', labels) > 0,
    failures: table.sum('upstream_failures_total', labels),
    retries: table.sum('upstream_retries_total', labels),
  };
}

function issuersOf(table: Table): IssuerSample[] {
  return table.values('key_age_seconds', 'issuer').map((issuer) => ({
    issuer,
    ageSeconds: table.finite('key_age_seconds', { issuer }),
    keys: table.sum('keys', { issuer }),
    retained: table.sum('keys_retained', { issuer }),
    failures: table.sum('key_fetch_failures_total', { issuer }),
  }));
}

function signingKeysOf(table: Table): SigningKeySample | undefined {
  if (!table.has('signing_key_published')) return undefined;
  return {
    ageSeconds: table.finite('signing_key_age_seconds'),
    nextRotationSeconds: table.finite('signing_key_next_rotation_seconds'),
    storeReachable: table.sum('signing_key_store_reachable') > 0,
  };
}

function revocationOf(table: Table): RevocationSample | undefined {
  if (!table.has('revocation_lag_seconds')) return undefined;
  return {
    lagSeconds: table.finite('revocation_lag_seconds'),
    entries: table.sum('revocation_entries'),
    owed: table.sum('revocation_owed'),
    failures: table.sum('revocation_failures_total'),
  };
}

function publishedKeysOf(jwks: unknown): Sample['publishedKeys'] {
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) return [];
  return (keys as Record<string, unknown>[]).map(({ kid, alg }) => ({ kid: String(kid ?? ''), algorithm: String(alg ?? '') }));
}
