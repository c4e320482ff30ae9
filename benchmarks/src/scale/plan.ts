/** What is measured. */

/** How a load balancer picks an instance. */
export type Balancing = 'hash of the token' | 'in turns';

/** The whole measurement. */
export interface ScalePlan {
  readonly instances: readonly number[];
  readonly balancings: readonly Balancing[];
  /** Distinct callers, each with a token. */
  readonly tokens: number;
  /** Verdicts that each instance remembers: fewer than there are tokens, as in a system that has outgrown one machine. */
  readonly cacheEntries: number;
  /** Requests of one measurement; each picks its token by chance. */
  readonly requests: number;
  readonly connections: number;
  /** A measurement ends by then, with as many requests as were answered. */
  readonly limitSeconds: number;
  /** Load with a crash in the middle. */
  readonly crashSeconds: number;
}

const FULL: ScalePlan = {
  instances: [1, 2, 4],
  balancings: ['hash of the token', 'in turns'],
  tokens: 4000,
  cacheEntries: 2500,
  requests: 60_000,
  connections: 32,
  limitSeconds: 60,
  crashSeconds: 12,
};
const QUICK: ScalePlan = { ...FULL, instances: [1, 2], tokens: 400, cacheEntries: 250, requests: 4000, crashSeconds: 4 };

/** The plan of a run. */
export function scalePlan(quick: boolean): ScalePlan {
  return quick ? QUICK : FULL;
}
