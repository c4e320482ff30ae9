/** How much is measured to check the model, and how it is driven. */

/** Sizes of one run. */
export interface ModelPlan {
  readonly users: number;
  /** How unequal they are: the k-th makes requests in proportion to `k ** -zipf`. */
  readonly zipf: number;
  /** For how long the gateway hands out the same Txn-Token: shorter than by default, so that a minute has many windows. */
  readonly reuseWindowSeconds: number;
  /** Requests per second of the first load. */
  readonly perSecond: number;
  /** How often unit costs and a load are measured in turn, at each of the two rates. */
  readonly rounds: number;
  /** For how long every request is a first use, before anything is measured: a system that has run for hours has its code compiled. */
  readonly firstUsesMs: number;
  /** How long each load is measured in a round. Before that it runs for a reuse window, until first uses are as frequent as they stay. */
  readonly measuredMs: { readonly rare: number; readonly highest: number };
  /** Requests in flight of the second load. */
  readonly concurrency: number;
}

/** Some 4,000 requests at the low rate. */
export const FULL_MODEL_PLAN: ModelPlan = {
  users: 200,
  zipf: 0.8,
  reuseWindowSeconds: 10,
  perSecond: 50,
  rounds: 9,
  firstUsesMs: 5000,
  measuredMs: { rare: 10_000, highest: 5000 },
  concurrency: 16,
};

/** What `--quick` measures. */
export const QUICK_MODEL_PLAN: ModelPlan = {
  ...FULL_MODEL_PLAN,
  users: 50,
  reuseWindowSeconds: 2,
  rounds: 2,
  firstUsesMs: 1000,
  measuredMs: { rare: 4000, highest: 2000 },
};
