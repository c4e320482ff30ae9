/** How the traffic of a system is spread over its users: a few classes of users that are alike. */

/** Users who are equally busy. */
export interface UserClass {
  readonly users: number;
  /** Of each of them, in requests per second. */
  readonly requestsPerSecond: number;
}

/** Users up to this rank are a class of their own; above, a class spans ranks that differ by `STEP`. */
const EXACT_RANKS = 12;
const STEP = 1.4;

/** The k-th busiest of `users` makes requests in proportion to `k ** -zipf`; all together make `requestsPerSecond`. */
export function zipfClasses(users: number, zipf: number, requestsPerSecond: number): readonly UserClass[] {
  if (zipf === 0) return [{ users, requestsPerSecond: requestsPerSecond / users }];
  const weights: { readonly count: number; readonly weight: number }[] = [];
  for (let rank = 1; rank <= users;) {
    const next = rank <= EXACT_RANKS ? rank + 1 : Math.min(Math.ceil(rank * STEP), Math.ceil(users) + 1);
    const count = Math.min(next, users + 1) - rank;
    weights.push({ count, weight: zipfWeight(rank, rank + count, zipf) });
    rank = next;
  }
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  return weights.map(({ count, weight }) => ({ users: count, requestsPerSecond: (requestsPerSecond * weight) / total / count }));
}

// The sum of k ** -zipf over from <= k < to; ranks above the exact ones as an integral around each k.
function zipfWeight(from: number, to: number, zipf: number): number {
  if (from <= EXACT_RANKS) return from ** -zipf;
  const [low, high] = [from - 0.5, to - 0.5];
  return zipf === 1 ? Math.log(high / low) : (high ** (1 - zipf) - low ** (1 - zipf)) / (1 - zipf);
}
