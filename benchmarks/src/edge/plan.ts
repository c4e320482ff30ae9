/** What is measured. */

/** Signature algorithm of the callers' tokens. */
export type EdgeAlgorithm = 'RS256' | 'ES256';

/** The whole measurement. */
export interface EdgePlan {
  readonly isQuick: boolean;
  /** Whether nothing but threads is measured. */
  readonly onlyThreads: boolean;
  readonly algorithms: readonly EdgeAlgorithm[];
  /** Distinct callers, each with a token. */
  readonly tokens: number;
  /** Connections that stay open, with one request at a time on each. */
  readonly connections: number;
  /** Rounds in which each proxy has a turn. */
  readonly rounds: number;
  /** Rounds before them that don't count: compilers and caches warm up. */
  readonly warmUpRounds: number;
  /** The same where the number of threads is compared. */
  readonly threadRounds: number;
  /** How long one turn lasts, in whole seconds. */
  readonly roundSeconds: number;
}

const FULL: EdgePlan = {
  isQuick: false,
  onlyThreads: false,
  algorithms: ['ES256', 'RS256'],
  tokens: 300,
  connections: 64,
  rounds: 9,
  threadRounds: 15,
  warmUpRounds: 2,
  roundSeconds: 2,
};
const QUICK: EdgePlan = {
  ...FULL,
  isQuick: true,
  algorithms: ['ES256'],
  rounds: 3,
  threadRounds: 3,
  warmUpRounds: 1,
  roundSeconds: 1,
};

/** The plan of a run. */
export function edgePlan(quick: boolean, onlyThreads = false): EdgePlan {
  return { ...(quick ? QUICK : FULL), onlyThreads };
}
