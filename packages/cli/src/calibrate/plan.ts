/** How much the calibration measures, and why that much. */
import type { HopPlan } from './hops.ts';

/** Sizes of one calibration. */
export interface CalibrationPlan {
  readonly warmUpMs: number;
  /** Rounds under load; medians over them are kept. */
  readonly rounds: number;
  /** Under load, nothing but the way of known callers. */
  readonly busyMs: number;
  /** Under load, with one of the further steps in each request of two services. */
  readonly busyProbesMs: number;
  /** The same two at a low rate. */
  readonly rareMs: number;
  readonly rareProbesMs: number;
  /** Requests on their way at a time under load, as in the mesh of `npm start`. */
  readonly inFlight: number;
  /** Requests per second at the low rate. */
  readonly rarePerSecond: number;
  /** Tokens in the caches from which hits are measured. */
  readonly cacheSizes: readonly [few: number, many: number];
  readonly hops: HopPlan;
  /** Tokens that are remembered to see what one weighs. */
  readonly weighedTokens: number;
}

/** A minute: some 300 of each step under load, some 50 at the low rate. */
export const FULL_PLAN: CalibrationPlan = {
  warmUpMs: 2000,
  rounds: 3,
  busyMs: 2500,
  busyProbesMs: 4000,
  rareMs: 8000,
  rareProbesMs: 14_000,
  inFlight: 16,
  rarePerSecond: 50,
  cacheSizes: [1000, 100_000],
  hops: { requests: 300, timedRequests: 3000 },
  weighedTokens: 30_000,
};

/** Shows that everything works: too little for figures that mean something. */
export const QUICK_PLAN: CalibrationPlan = {
  ...FULL_PLAN,
  warmUpMs: 300,
  rounds: 1,
  busyMs: 400,
  busyProbesMs: 800,
  rareMs: 800,
  rareProbesMs: 1600,
  cacheSizes: [100, 2000],
  hops: { requests: 50, timedRequests: 300 },
  weighedTokens: 2000,
};

/** How long it takes about, in milliseconds, without starting processes. */
export function durationOf(plan: CalibrationPlan): number {
  return plan.warmUpMs + plan.rounds * (plan.busyMs + plan.busyProbesMs) + plan.rareMs + plan.rareProbesMs;
}
