/** Which look-ups caches answer: of threads or of machines, of any size, with and without affinity. */
import { boundedHits } from './bounded-cache.ts';
import { type Caller, placesInLife, usesInLife } from './token-life.ts';
import type { UserClass } from './users.ts';

/** Caches of one kind, and who comes to them. */
export interface CacheLayout {
  readonly classes: readonly UserClass[];
  readonly session: { readonly busySeconds: number; readonly idleSeconds: number };
  /** From the first use of a token to its end. */
  readonly lifeSeconds: number;
  /** Caches that one user's requests come to, at random. */
  readonly places: number;
  /** Groups of that many caches: users are divided among them and never change. */
  readonly groups: number;
  /** What each cache holds. */
  readonly entries: number;
  /** Uses of the token in one request. Default 1. */
  readonly visits?: number;
}

/** What comes of it. */
export interface CacheHits {
  readonly hitRatio: number;
  /** If caches held everything. */
  readonly unboundedHitRatio: number;
  /** Tokens, not expired, that each cache has been asked for: what it would need to hold. */
  readonly liveTokens: number;
  /** Look-ups in vain, in all places together, in the life of one token: by class. */
  readonly missesPerToken: readonly number[];
}

/** Services that are alike, and plans that differ in other things, ask for the same. */
const known = new Map<string, CacheHits>();
const MOST_KNOWN = 1000;

/** Computes it, or remembers it. The ratio without bounds is exact. */
export function cacheHits(layout: CacheLayout): CacheHits {
  const key = JSON.stringify(layout);
  let hits = known.get(key);
  if (hits === undefined) {
    hits = compute(layout);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, hits);
  }
  return hits;
}

function compute(all: CacheLayout): CacheHits {
  const classes = all.classes.filter(({ requestsPerSecond }) => requestsPerSecond > 0);
  const layout = { ...all, classes };
  const { session, lifeSeconds, places, groups, visits = 1 } = layout;
  const missesPerToken: number[] = [];
  let [requests, misses, live] = [0, 0, 0];
  for (const { users, requestsPerSecond } of classes) {
    const caller: Caller = { requestsPerSecond, ...session };
    const uses = usesInLife(caller, lifeSeconds);
    const missed = placesInLife(caller, lifeSeconds, places, visits);
    // Lives follow each other at this rate, each with so many uses.
    const lives = (users * requestsPerSecond) / uses;
    requests += lives * uses * visits;
    misses += lives * missed;
    missesPerToken.push(missed);
    // A verdict lives from its first use in this cache to the end of the token: half of the life for late ones, all for the first.
    live += (lives * lifeSeconds * liveShare(caller, lifeSeconds, places, visits) * missed) / groups / places;
  }
  const unboundedHitRatio = requests === 0 ? 0 : 1 - misses / requests;
  const unbounded = { hitRatio: unboundedHitRatio, unboundedHitRatio, liveTokens: live, missesPerToken };
  const bounded = requests === 0 || live === 0 ? undefined : boundedHits(layout);
  if (bounded === undefined || bounded.hitRatio >= unboundedHitRatio) return unbounded;
  return { ...unbounded, hitRatio: bounded.hitRatio, missesPerToken: bounded.insertions.map((times) => times * places) };
}

/** Points of the integral below. */
const STEPS = 16;

/** The mean share of a token's life during which a place that sees it has it: what is left of the life at the first visit there. */
export function liveShare(caller: Caller, lifeSeconds: number, places: number, visits: number): number {
  const seen = placesInLife(caller, lifeSeconds, places, visits);
  let sum = 0;
  for (let step = 0; step < STEPS; step += 1) sum += placesInLife(caller, ((step + 0.5) / STEPS) * lifeSeconds, places, visits);
  return sum / STEPS / seen;
}
