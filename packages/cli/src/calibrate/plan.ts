/** How much the calibration measures, and why that much. */
import { DEFAULT_SCENARIO } from '@watchword/planner';
import type { HopPlan } from './hops.ts';

/** Sizes of one calibration. */
export interface CalibrationPlan {
  /** Twice: with first uses and further steps, then without. */
  readonly warmUpMs: number;
  /** Rounds of each kind, of which the middle counts. */
  readonly rounds: number;
  /** Each round, before anything is measured: caches are full of what the other pace left in them. */
  readonly leadMs: number;
  /** Under load, with few first uses. */
  readonly fewMs: number;
  /** Under load, with little but first uses. */
  readonly manyMs: number;
  /** Under load, with one of the further steps in each request of two services. */
  readonly busyProbesMs: number;
  /** At the low rate, then with the further steps. */
  readonly rareMs: number;
  readonly rareProbesMs: number;
  /** At a rate between. */
  readonly middleMs: number;
  /** Requests on their way at a time under load, as in the mesh of `npm start`. */
  readonly inFlight: number;
  /** Requests per second at the low rate. */
  readonly rarePerSecond: number;
  /** First uses per second where there are few: as many as 200 users make who come back all the time, in reuse windows of 10 s. */
  readonly fewPerSecond: number;
  /** Share of first uses where there is little else. */
  readonly manyShare: number;
  /** Share of first uses at the lower rates: of users who come back a few times in a reuse window. */
  readonly rareShare: number;
  /** How unequal users are, as in the default scenario of the planner: tokens that come often are still in the processor's caches. */
  readonly zipf: number;
  /** Tokens in the caches from which hits are measured. */
  readonly cacheSizes: readonly [few: number, many: number];
  readonly hops: HopPlan;
  /** Tokens that are remembered to see what one weighs. */
  readonly weighedTokens: number;
}

/** A minute: more short rounds, not fewer long ones, since what disturbs a round does not move the middle of them. */
export const FULL_PLAN: CalibrationPlan = {
  warmUpMs: 1500,
  rounds: 5,
  leadMs: 500,
  fewMs: 1600,
  manyMs: 800,
  busyProbesMs: 1000,
  rareMs: 2400,
  rareProbesMs: 1600,
  middleMs: 800,
  inFlight: 16,
  rarePerSecond: 50,
  fewPerSecond: 20,
  manyShare: 0.9,
  rareShare: 0.25,
  zipf: DEFAULT_SCENARIO.zipf,
  cacheSizes: [1000, 100_000],
  hops: { requests: 300, timedRequests: 3000 },
  weighedTokens: 30_000,
};

/** Shows that everything works: too little for figures that mean something. */
export const QUICK_PLAN: CalibrationPlan = {
  ...FULL_PLAN,
  warmUpMs: 300,
  rounds: 1,
  leadMs: 50,
  fewMs: 500,
  manyMs: 400,
  busyProbesMs: 800,
  rareMs: 800,
  rareProbesMs: 1400,
  middleMs: 300,
  cacheSizes: [100, 2000],
  hops: { requests: 50, timedRequests: 300 },
  weighedTokens: 2000,
};

/** How long it takes about, in milliseconds, without starting processes. */
export function durationOf(plan: CalibrationPlan): number {
  const round = 2 * plan.leadMs + plan.fewMs + plan.manyMs + plan.busyProbesMs + plan.middleMs + plan.rareMs + plan.rareProbesMs;
  return 2 * plan.warmUpMs + plan.rounds * round;
}
