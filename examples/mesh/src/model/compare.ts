/** Predicted next to measured. */
import { median } from '../measure/statistics.ts';
import type { LoadResult } from './rounds.ts';

/** One figure of one load. */
export interface Comparison {
  readonly load: string;
  readonly figure: string;
  readonly predicted: number;
  readonly measured: number;
  /** How far the prediction is off: as a share of what was measured, or in points of a ratio. */
  readonly error: number;
  readonly limit: number;
  readonly unit: 'share' | 'points';
  readonly met: boolean;
  /** Why nobody can tell, if so. */
  readonly doubt?: string;
}

/** What was promised: CPU within 10 %, hit ratio within 2 points, bytes per hop within 3 %. */
const LIMITS = { cpu: 0.1, hits: 0.02, bytes: 0.03 };

/** Cores of other programs from which on processor time says nothing: they push what is measured out of the processor's caches. */
const BUSY_CORES = 0.3;

/** Compares one load. Of processor time, by the round that is in the middle: fast and slow minutes of a machine are in both its halves. */
export function compare({ name, predicted, measured, roundErrors, ...run }: LoadResult): Comparison[] {
  const doubt = doubtOf(run);
  const judge = (figure: string, one: number, other: number, limit: number, unit: Comparison['unit']): Comparison => {
    const error = unit === 'share' ? (one - other) / other : one - other;
    return judged({ load: name, figure, predicted: one, measured: other, error, limit, unit });
  };
  const cpu = judged({
    load: name,
    figure: 'verification CPU per request, us',
    predicted: predicted.verificationMicros,
    measured: measured.verificationMicros,
    error: median(roundErrors),
    limit: LIMITS.cpu,
    unit: 'share',
  });
  return [
    { ...cpu, ...(doubt !== undefined && { doubt }) },
    judge('hit ratio, %', predicted.hitRatio * 100, measured.hitRatio * 100, LIMITS.hits * 100, 'points'),
    judge('token bytes per hop', predicted.tokenBytesPerHop, measured.tokenBytesPerHop, LIMITS.bytes, 'share'),
  ];
}

function judged(comparison: Omit<Comparison, 'met'>): Comparison {
  return { ...comparison, met: Math.abs(comparison.error) <= comparison.limit };
}

// Shares of requests and octets are the same however busy the machine is.
function doubtOf({ uncertainty, disturbedBy = 0 }: Pick<LoadResult, 'uncertainty' | 'disturbedBy'>): string | undefined {
  if (disturbedBy > BUSY_CORES) return `other programs on ${disturbedBy.toFixed(1)} cores`;
  return uncertainty > LIMITS.cpu ? `another run may differ by ${(uncertainty * 100).toFixed(0)} %` : undefined;
}

/** How far off, for people. */
export function errorText({ error, unit }: Comparison): string {
  return unit === 'share' ? percentText(error) : `${signOf(error)}${Math.abs(error).toFixed(2)} points`;
}

/** A share with its sign. */
export function percentText(share: number): string {
  return `${signOf(share)}${Math.abs(share * 100).toFixed(1)} %`;
}

function signOf(value: number): string {
  return value < 0 ? '-' : '+';
}

/** The promise, and whether it is kept. */
export function verdictText({ met, doubt, limit, unit }: Comparison): string {
  const promise = `(within ${unit === 'share' ? `${limit * 100} %` : `${limit} points`})`;
  return doubt === undefined ? `${met ? 'met' : 'MISSED'} ${promise}` : `TOO NOISY TO SAY ${promise}`;
}

/** Whether all promises are kept. */
export function summaryOf(comparisons: readonly Comparison[]): string {
  const open = comparisons.filter(({ doubt }) => doubt !== undefined);
  const missed = comparisons.filter(({ met, doubt }) => !met && doubt === undefined);
  const named = (these: readonly Comparison[], why: (comparison: Comparison) => string): string =>
    these.map((comparison) => `${comparison.figure} at ${comparison.load} (${why(comparison)})`).join('; ');
  if (open.length === 0 && missed.length === 0) return `All ${comparisons.length} targets met.`;
  return [
    `Targets: ${comparisons.length - missed.length - open.length} met, ${missed.length} MISSED`,
    missed.length === 0 ? '' : `: ${named(missed, errorText)}`,
    open.length === 0 ? '.' : `; the machine was too noisy for ${named(open, ({ doubt }) => doubt!)}.`,
  ].join('');
}
