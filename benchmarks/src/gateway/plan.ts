/** What is measured at the edge. */

/** Signature algorithm of the callers' tokens: one public-key pair is enough, since a warm cache never uses it again. */
export type EdgeAlgorithm = 'RS256' | 'ES256';

/** The whole measurement. */
export interface GatewayPlan {
  readonly algorithms: readonly EdgeAlgorithm[];
  /** Distinct callers, each with a token. */
  readonly tokens: number;
  /** Connections that stay open, with one request at a time on each. */
  readonly connections: number;
  /** Rounds in which each proxy has a turn. */
  readonly rounds: number;
  /** Rounds before them that don't count: compilers and caches warm up. */
  readonly warmUpRounds: number;
  /** How long one turn lasts. */
  readonly roundMs: number;
}

const FULL: GatewayPlan = {
  algorithms: ['ES256', 'RS256'],
  tokens: 300,
  connections: 64,
  rounds: 11,
  warmUpRounds: 2,
  roundMs: 1000,
};
const QUICK: GatewayPlan = { algorithms: ['ES256'], tokens: 300, connections: 64, rounds: 3, warmUpRounds: 1, roundMs: 600 };

/** The plan of a run. */
export function gatewayPlan(quick: boolean): GatewayPlan {
  return quick ? QUICK : FULL;
}
