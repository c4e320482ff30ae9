/** What is measured. */

/** Signature algorithm of the callers' tokens. */
export type EdgeAlgorithm = 'RS256' | 'ES256';

/** The whole measurement. */
export interface EdgePlan {
  readonly algorithms: readonly EdgeAlgorithm[];
  /** Distinct callers, each with a token. */
  readonly tokens: number;
  /** Connections that stay open, with one request at a time on each. */
  readonly connections: number;
  /** Rounds in which each proxy has a turn. */
  readonly rounds: number;
  /** Rounds before them that don't count: compilers and caches warm up. */
  readonly warmUpRounds: number;
  /** How long one turn lasts, in whole seconds. */
  readonly roundSeconds: number;
}

const FULL: EdgePlan = {
  algorithms: ['ES256', 'RS256'],
  tokens: 300,
  connections: 64,
  rounds: 9,
  warmUpRounds: 2,
  roundSeconds: 2,
};
const QUICK: EdgePlan = { ...FULL, algorithms: ['ES256'], rounds: 3, warmUpRounds: 1, roundSeconds: 1 };

/** The plan of a run. */
export function edgePlan(quick: boolean): EdgePlan {
  return quick ? QUICK : FULL;
}
