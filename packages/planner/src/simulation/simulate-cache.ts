/** A discrete-event simulation of users, their tokens, and the caches that their requests come to. Says what the formula must say. */
import { createDraw } from './alias-table.ts';
import { createRandom } from './random.ts';
import { type Eviction, SieveSet } from './sieve.ts';

/** What is simulated. */
export interface CacheSimulation {
  readonly users: number;
  /** The k-th busiest makes requests in proportion to `k ** -zipf`. */
  readonly zipf: number;
  /** Of all users together. */
  readonly requestsPerSecond: number;
  readonly session: { readonly busySeconds: number; readonly idleSeconds: number };
  /** A client gets a new token when the old one has expired and it makes a request. */
  readonly lifeSeconds: number;
  /** Caches that each user's requests come to, at random, in each of `groups` among which users are divided. */
  readonly places: number;
  readonly groups: number;
  readonly entries: number;
  readonly eviction?: Eviction;
  /** Whether caches begin with the tokens of all users, the oldest first, as far as they hold them. Default: they begin empty. */
  readonly startsKnown?: boolean;
  /** Uses of the token in one request. Default 1. */
  readonly visits?: number;
  readonly seed: number;
  /** Requests before the counting starts, and counted ones. */
  readonly warmUpRequests: number;
  readonly requests: number;
}

/** What came of it. */
export interface SimulatedHits {
  /**
   * In the long run: users of about the same activity count as much as they make requests on average, not as many as they happened
   * to make. Takes out the chance of whether the busiest ones were busy.
   */
  readonly hitRatio: number;
  /** As counted. */
  readonly uses: number;
  readonly hits: number;
}

/** Runs it. The same seed gives the same result. */
export function simulateCache(simulation: CacheSimulation): SimulatedHits {
  const { users, zipf, session, places, groups, entries, eviction = 'sieve', visits = 1, seed } = simulation;
  const random = createRandom(seed);
  const weights = Float64Array.from({ length: users }, (_, index) => (index + 1) ** -zipf);
  const draw = createDraw(weights, random);
  const busyShare = session.busySeconds / (session.busySeconds + session.idleSeconds);
  const decay = session.idleSeconds === 0 ? 0 : 1 / session.busySeconds + 1 / session.idleSeconds;
  const states = createUsers(users, busyShare, decay, random);
  const caches = Array.from({ length: places * groups }, () => new SieveSet(users, entries, eviction));
  // Requests of users as if all were busy; those of idle ones do not happen.
  const candidatesPerSecond = simulation.requestsPerSecond / busyShare;
  // Tokens of any age, so that not all of them end together.
  const expires = Float64Array.from({ length: users }, () => random.uniform() * simulation.lifeSeconds);
  if (simulation.startsKnown === true) {
    const oldestFirst = [...expires.keys()].toSorted((one, other) => expires[one]! - expires[other]!);
    for (const user of oldestFirst)
      for (let place = 0; place < places; place += 1) caches[(user % groups) * places + place]!.use(user, 0, expires[user]!);
  }
  const counts = new Counts(weights);
  let [nowSeconds, done] = [0, 0];
  const last = simulation.warmUpRequests + simulation.requests;
  while (done < last) {
    nowSeconds += random.exponential() / candidatesPerSecond;
    const user = draw();
    if (!states.isBusy(user, nowSeconds)) continue;
    done += 1;
    if (nowSeconds >= expires[user]!) expires[user] = nowSeconds + simulation.lifeSeconds;
    const first = (user % groups) * places;
    for (let visit = 0; visit < visits; visit += 1) {
      const place = places === 1 ? first : first + Math.floor(random.uniform() * places);
      const isHit = caches[place]!.use(user, nowSeconds, expires[user]!);
      if (done > simulation.warmUpRequests) counts.add(user, isHit);
    }
  }
  return counts.result();
}

/** Look-ups and hits of users whose ranks have as many binary digits. */
class Counts {
  readonly #weights = new Float64Array(32);
  readonly #uses = new Float64Array(32);
  readonly #hits = new Float64Array(32);

  constructor(weights: Float64Array) {
    for (const [user, weight] of weights.entries()) this.#weights[groupOf(user)]! += weight;
  }

  add(user: number, isHit: boolean): void {
    const group = groupOf(user);
    this.#uses[group]! += 1;
    if (isHit) this.#hits[group]! += 1;
  }

  result(): SimulatedHits {
    let [weight, hitWeight, uses, hits] = [0, 0, 0, 0];
    for (const [group, used] of this.#uses.entries()) {
      if (used === 0) continue;
      weight += this.#weights[group]!;
      hitWeight += (this.#weights[group]! * this.#hits[group]!) / used;
      uses += used;
      hits += this.#hits[group]!;
    }
    return { hitRatio: weight === 0 ? 0 : hitWeight / weight, uses, hits };
  }
}

function groupOf(user: number): number {
  return 31 - Math.clz32(user + 1);
}

interface Users {
  isBusy(user: number, nowSeconds: number): boolean;
}

// Two states, looked at only when it matters: what has become of a state after some time is known in closed form.
function createUsers(users: number, busyShare: number, decay: number, random: { uniform(): number }): Users {
  if (decay === 0) return { isBusy: () => true };
  const seen = new Float64Array(users).fill(Number.NEGATIVE_INFINITY);
  const busy = new Uint8Array(users);
  return {
    isBusy(user, nowSeconds) {
      const kept = Math.exp(-decay * (nowSeconds - seen[user]!));
      const isBusy = random.uniform() < busyShare + ((busy[user] === 1 ? 1 : 0) - busyShare) * kept;
      seen[user] = nowSeconds;
      busy[user] = isBusy ? 1 : 0;
      return isBusy;
    },
  };
}
