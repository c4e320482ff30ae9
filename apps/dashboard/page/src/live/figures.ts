/** What two looks at a gateway amount to: rates, shares and costs. */
import type { Durations, HopSample, Sample } from '@watchword/dashboard';

/** Where a figure comes from: the last seconds or, when nothing happened in them, everything since the gateway started. */
export type Span = 'recent' | 'since-start';

/** Figures of one gateway. undefined: not known, or nothing to divide by. */
export interface LiveFigures {
  readonly span: Span;
  readonly requestsPerSecond: number | undefined;
  readonly checksPerSecond: number | undefined;
  /** Verifications that needed no signature check. */
  readonly avoidedPerSecond: number | undefined;
  /** ... as a share of all verifications. */
  readonly avoidedShare: number | undefined;
  readonly avoided: number;
  readonly verifications: number;
  readonly hitRate: number | undefined;
  /** What a verification costs, as the gateway measures it. */
  readonly verifySeconds: number | undefined;
  /** Cores busy with verification: checks at their measured cost, and hits. */
  readonly verificationCores: number | undefined;
  /** Cores that would be, if nothing were remembered. */
  readonly withoutCacheCores: number | undefined;
  readonly p50Seconds: number | undefined;
  readonly p99Seconds: number | undefined;
  readonly refusedPerSecond: number | undefined;
  readonly mintedPerSecond: number | undefined;
  readonly reusedShare: number | undefined;
  readonly waiting: number;
  readonly hops: readonly HopFigures[];
}

/** One hop. */
export interface HopFigures {
  readonly hop: string;
  readonly requestsPerSecond: number | undefined;
  /** Header fields and framing, both directions. */
  readonly bytesPerRequest: number | undefined;
  readonly bytesPerSecond: number | undefined;
}

/** What a hit costs; the gateway counts it like this too when it tells what hits have saved. */
const HIT_SECONDS = 0.6e-6;

/** Computes the figures. @param earlier the same as `latest` after the first look: then rates are not known */
export function liveFigures(latest: Sample, earlier: Sample): LiveFigures {
  const seconds = (latest.atMs - earlier.atMs) / 1000;
  const recent = difference(latest, earlier);
  const quiet = recent.verifications === 0;
  const { verifications, hits, lookups, minted, reused } = quiet ? difference(latest, undefined) : recent;
  const avoided = verifications - (quiet ? latest : recent).signatureChecks;
  const perSecond = (value: number): number | undefined => (seconds > 0 ? value / seconds : undefined);
  const verifySeconds = costOf(latest);
  const cores = (checks: number, cheap: number): number | undefined =>
    verifySeconds === undefined ? undefined : perSecond(checks * verifySeconds + cheap * HIT_SECONDS);
  return {
    span: quiet ? 'since-start' : 'recent',
    requestsPerSecond: perSecond(recent.requests),
    checksPerSecond: perSecond(recent.signatureChecks),
    avoidedPerSecond: perSecond(recent.verifications - recent.signatureChecks),
    avoidedShare: ratio(avoided, verifications),
    avoided,
    verifications,
    hitRate: ratio(hits, lookups),
    verifySeconds,
    verificationCores: cores(recent.signatureChecks, recent.hits),
    withoutCacheCores: cores(recent.verifications, 0),
    p50Seconds: quantile(recent.durations, 0.5) ?? quantile(latest.durations, 0.5),
    p99Seconds: quantile(recent.durations, 0.99) ?? quantile(latest.durations, 0.99),
    refusedPerSecond: perSecond(recent.refused),
    mintedPerSecond: perSecond(recent.minted),
    reusedShare: ratio(reused, minted + reused),
    waiting: latest.queue.checksWaiting + latest.upstreams.reduce((sum, { waiting }) => sum + waiting, 0),
    hops: latest.hops.map((hop) =>
      hopFigures(
        hop,
        earlier.hops.find((before) => before.hop === hop.hop),
        seconds,
      ),
    ),
  };
}

/** The value below which a share of a cumulated histogram lies, interpolated within its bucket. undefined: it is empty. */
export function quantile({ bounds, counts }: Durations, share: number): number | undefined {
  const total = counts.at(-1) ?? 0;
  if (total <= 0) return undefined;
  const index = counts.findIndex((value) => value >= total * share);
  const upper = bounds[index];
  // Beyond the last bound nothing more is known than that.
  if (upper === undefined) return bounds.at(-1);
  const [lower, below] = index === 0 ? [0, 0] : [bounds[index - 1]!, counts[index - 1]!];
  return lower + ((upper - lower) * (total * share - below)) / (counts[index]! - below);
}

interface Difference {
  readonly requests: number;
  readonly signatureChecks: number;
  readonly verifications: number;
  readonly hits: number;
  readonly lookups: number;
  readonly minted: number;
  readonly reused: number;
  readonly refused: number;
  readonly durations: Durations;
}

function difference(latest: Sample, earlier: Sample | undefined): Difference {
  const [hits, hitsBefore] = [latest.cache?.hits ?? 0, earlier?.cache?.hits ?? 0];
  const signatureChecks = latest.signatureChecks - (earlier?.signatureChecks ?? 0);
  const knownBad = latest.knownBadHits - (earlier?.knownBadHits ?? 0);
  return {
    requests: latest.requests - (earlier?.requests ?? 0),
    signatureChecks,
    verifications: signatureChecks + hits - hitsBefore + knownBad,
    hits: hits - hitsBefore,
    lookups: hits - hitsBefore + (latest.cache?.misses ?? 0) - (earlier?.cache?.misses ?? 0),
    minted: latest.minted - (earlier?.minted ?? 0),
    reused: latest.reused - (earlier?.reused ?? 0),
    refused: sum(latest.refusals) - sum(earlier?.refusals ?? {}),
    durations: {
      bounds: latest.durations.bounds,
      counts: latest.durations.counts.map((value, index) => value - (earlier?.durations.counts[index] ?? 0)),
    },
  };
}

// The gateway credits each hit with the mean cost of a verification, less that of a hit.
function costOf({ cache }: Sample): number | undefined {
  return cache === undefined || cache.hits === 0 ? undefined : cache.savedSeconds / cache.hits + HIT_SECONDS;
}

function hopFigures(now: HopSample, before: HopSample | undefined, seconds: number): HopFigures {
  const requests = now.requests - (before?.requests ?? 0);
  const bytes = now.bytes - (before?.bytes ?? 0);
  return {
    hop: now.hop,
    requestsPerSecond: seconds > 0 ? requests / seconds : undefined,
    bytesPerRequest: requests > 0 ? bytes / requests : ratio(now.bytes, now.requests),
    bytesPerSecond: seconds > 0 ? bytes / seconds : undefined,
  };
}

function ratio(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
