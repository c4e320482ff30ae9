/** How much is measured, and why that much. */

/** Sizes of one run. */
export interface Plan {
  /** Rounds of each phase; strategies take turns inside a round, medians over the rounds are reported. */
  readonly rounds: number;
  /** Users of one metered round. Each round has users of its own. */
  readonly usersPerRound: number;
  /** Users of the rounds under load. */
  readonly loadUsers: number;
  /**
   * Requests of one user in a metered round, all within one reuse window: the first one makes the gateway
   * sign a Txn-Token and each service verify it, the others find it there. As many as a user makes under load in a window of
   * 30 s.
   */
  readonly requestsPerUser: number;
  /** Requests of a round in which every request gets a Txn-Token of its own. */
  readonly perRequestRequests: number;
  readonly loadMs: number;
  readonly maxLoadRequests: number;
  /** Requests in flight under load. */
  readonly concurrency: number;
  readonly warmUpRequests: number;
  /** For how long the gateway hands out the same Txn-Token to a user. */
  readonly reuseWindowSeconds: number;
}

/** What `npm start` measures: under a minute on two cores. */
export const FULL_PLAN: Plan = {
  rounds: 3,
  usersPerRound: 6,
  loadUsers: 200,
  requestsPerUser: 300,
  perRequestRequests: 600,
  loadMs: 1_500,
  maxLoadRequests: 20_000,
  concurrency: 16,
  warmUpRequests: 1_000,
  reuseWindowSeconds: 30,
};

/** What `--quick` measures: everything, but too little for figures that mean something. */
export const QUICK_PLAN: Plan = {
  ...FULL_PLAN,
  rounds: 1,
  usersPerRound: 4,
  loadUsers: 20,
  requestsPerUser: 100,
  perRequestRequests: 50,
  loadMs: 300,
  maxLoadRequests: 300,
  concurrency: 8,
  warmUpRequests: 50,
  reuseWindowSeconds: 4,
};

/** Users that a plan needs. */
export function userCountOf({ rounds, usersPerRound, loadUsers }: Plan): number {
  return rounds * usersPerRound + loadUsers;
}
