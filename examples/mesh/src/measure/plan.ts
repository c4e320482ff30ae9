/** How much is measured, and why that much. */

/** Sizes of one run. */
export interface Plan {
  /** Rounds of each phase; strategies take turns inside a round, medians over the rounds are reported. */
  readonly rounds: number;
  /** Users of one round with one request in flight. Each round has users of its own. */
  readonly usersPerRound: number;
  /** Users of the rounds under load. */
  readonly loadUsers: number;
  /**
   * Requests of one user in a round with one request in flight. A user of the growth table makes half a request per second, so
   * 15 in a reuse window of 30 s: the Txn-Token that a user's first request makes the gateway sign, and each service verify,
   * serves 14 more.
   */
  readonly requestsPerUser: number;
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
  usersPerRound: 80,
  loadUsers: 160,
  requestsPerUser: 15,
  loadMs: 2_000,
  maxLoadRequests: 20_000,
  concurrency: 16,
  warmUpRequests: 1_500,
  reuseWindowSeconds: 30,
};

/** What `--quick` measures: everything, but too little for figures that mean something. */
export const QUICK_PLAN: Plan = {
  ...FULL_PLAN,
  rounds: 1,
  usersPerRound: 10,
  loadUsers: 10,
  loadMs: 300,
  maxLoadRequests: 300,
  concurrency: 8,
  warmUpRequests: 50,
  reuseWindowSeconds: 2,
};

/** Users that a plan needs. */
export function userCountOf({ rounds, usersPerRound, loadUsers }: Plan): number {
  return rounds * usersPerRound + loadUsers;
}
