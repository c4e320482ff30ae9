/** What happens while one token lives: how often it is used, and in how many of the places that could remember it. Exact. */

/** A user who is busy and idle by turns; requests come at random while busy (an interrupted Poisson process). */
export interface Caller {
  /** On average, idle times included. */
  readonly requestsPerSecond: number;
  readonly busySeconds: number;
  /** 0: never idle, a Poisson process. */
  readonly idleSeconds: number;
}

/**
 * Requests in the life of a token that the user got for the first of them, this one included. A client asks for a new token when
 * it makes a request and the old one has expired: lives follow each other, each begins with a request.
 */
export function usesInLife(caller: Caller, lifeSeconds: number): number {
  const { requestsPerSecond: mean, busySeconds, idleSeconds } = caller;
  if (idleSeconds === 0) return 1 + mean * lifeSeconds;
  const busyShare = busySeconds / (busySeconds + idleSeconds);
  const decay = 1 / busySeconds + 1 / idleSeconds;
  // Busy at the first request; what is left of that dies away with `decay`.
  const burst = ((1 - busyShare) * -Math.expm1(-decay * lifeSeconds)) / decay;
  return 1 + (mean / busyShare) * (busyShare * lifeSeconds + burst);
}

/**
 * The probability that a share of the requests, chosen at random, has none in `seconds` after one that found the user busy:
 * the survival of a Markov process with two states under killing at `share` times the rate of the busy one.
 */
export function silence({ requestsPerSecond: mean, busySeconds, idleSeconds }: Caller, share: number, seconds: number): number {
  if (idleSeconds === 0) return Math.exp(-mean * share * seconds);
  const killing = (share * mean * (busySeconds + idleSeconds)) / busySeconds;
  const [leave, back] = [1 / busySeconds, 1 / idleSeconds];
  const trace = leave + killing + back;
  const root = Math.sqrt(Math.max(0, trace * trace - 4 * killing * back));
  if (root === 0) return Math.exp((-trace / 2) * seconds) * (1 + (trace / 2 - killing) * seconds);
  const fast = (-trace - root) / 2;
  // The product of the roots is killing * back: dividing keeps the digits that subtracting would lose.
  const slow = fast === 0 ? 0 : (killing * back) / fast;
  return ((-killing - fast) * Math.exp(slow * seconds) + (slow + killing) * Math.exp(fast * seconds)) / (slow - fast);
}

/**
 * How many of `places` see the token in its life, when each use goes to `visits` of them chosen at random. That many uses are
 * misses of caches that hold everything until it expires; all others are hits.
 */
export function placesInLife(caller: Caller, lifeSeconds: number, places: number, visits = 1): number {
  const untouched = (1 - 1 / places) ** visits;
  return places * (1 - untouched * silence(caller, 1 - untouched, lifeSeconds));
}
