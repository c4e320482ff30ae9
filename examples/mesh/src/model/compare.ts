/** Predicted next to measured. */
import type { Measured } from './load.ts';
import type { Predicted } from './predict.ts';

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
}

/** What was promised: CPU within 10 %, hit ratio within 2 points, bytes per hop within 3 %. */
const LIMITS = { cpu: 0.1, hits: 0.02, bytes: 0.03 };

/** Compares one load. */
export function compare(load: string, predicted: Predicted, measured: Measured): Comparison[] {
  return [
    judged(
      load,
      'verification CPU per request, us',
      predicted.verificationMicros,
      measured.verificationMicros,
      LIMITS.cpu,
      'share',
    ),
    judged(load, 'hit ratio, %', predicted.hitRatio * 100, measured.hitRatio * 100, LIMITS.hits * 100, 'points'),
    judged(load, 'token bytes per hop', predicted.tokenBytesPerHop, measured.tokenBytesPerHop, LIMITS.bytes, 'share'),
  ];
}

function judged(
  load: string,
  figure: string,
  predicted: number,
  measured: number,
  limit: number,
  unit: Comparison['unit'],
): Comparison {
  const error = unit === 'share' ? (predicted - measured) / measured : predicted - measured;
  return { load, figure, predicted, measured, error, limit, unit, met: Math.abs(error) <= limit };
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
export function verdictText({ met, limit, unit }: Comparison): string {
  return `${met ? 'met' : 'MISSED'} (within ${unit === 'share' ? `${limit * 100} %` : `${limit} points`})`;
}

/** Whether all promises are kept. */
export function summaryOf(comparisons: readonly Comparison[]): string {
  const missed = comparisons.filter(({ met }) => !met);
  const names = missed.map((comparison) => `${comparison.figure} at ${comparison.load} (${errorText(comparison)})`);
  return missed.length === 0
    ? `All ${comparisons.length} targets met.`
    : `Targets: ${comparisons.length - missed.length} met, ${missed.length} MISSED: ${names.join('; ')}.`;
}
