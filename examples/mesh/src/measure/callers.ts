/** Whose turn it is to make a request. */

/** Who takes part. */
export interface Crowd {
  readonly users: number;
  /** Users take part at random, the k-th in proportion to `k ** -zipf`. Default: in turn. */
  readonly zipf?: number;
  /** With `zipf`: each user takes part from a time of their own on, evenly up to this one, so that their tokens do not end together. Default: 0. */
  readonly joinMs?: number;
}

/** @returns the user who makes the request of a number, from 0 on, so long after the start */
export function createCallers(
  { users, zipf, joinMs = 0 }: Crowd,
  random: () => number = Math.random,
): (number: number, elapsedMs: number) => number {
  if (zipf === undefined) return (number) => number % users;
  let sum = 0;
  const upTo = Array.from({ length: users }, (_, index) => (sum += (index + 1) ** -zipf));
  // The busiest is there from the start, so that somebody is.
  const joins = Array.from({ length: users }, (_, index) => (index === 0 ? 0 : random() * joinMs));
  return (_number, elapsedMs) => {
    for (;;) {
      const drawn = random() * sum;
      const user = upTo.findIndex((limit) => drawn < limit);
      if (elapsedMs >= joins[user]!) return user;
    }
  };
}
