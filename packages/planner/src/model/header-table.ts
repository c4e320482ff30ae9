/** How often a token is found in the header table of a connection: a FIFO queue of octets, tokens that have expired included. */
import { rootOf } from './root.ts';
import type { UserClass } from './users.ts';

/** Octets that an entry takes beyond name and value (RFC 7541 §4.1). */
const ENTRY_OVERHEAD = 32;
/** Octets of the other fields of a request that are in the table, as measured with node:http2. */
const OTHER_FIELDS_BYTES = 800;
const NAME_BYTES = 'txn-token'.length;

/** One connection. */
export interface HeaderTable {
  readonly tableBytes: number;
  readonly tokenBytes: number;
  /** Who sends requests over it, and at which rate over this connection. */
  readonly callers: readonly UserClass[];
  /** After so long a caller's token is another one. */
  readonly tokenSeconds: number;
}

/** Tokens that are in the table at a time; 0: one alone is above 3/4 of it and never indexed (ND-3). */
export function tokensInTable(tableBytes: number, tokenBytes: number): number {
  const entry = NAME_BYTES + tokenBytes + ENTRY_OVERHEAD;
  if (entry > (tableBytes * 3) / 4) return 0;
  return Math.max(1, Math.floor((tableBytes - OTHER_FIELDS_BYTES) / entry));
}

/**
 * Share of requests whose token is in the table: a cache of fixed size that evicts what came first, used or not. Where it depends on what
 * happened before, the least.
 */
export function indexedShare(table: HeaderTable): number {
  const places = tokensInTable(table.tableBytes, table.tokenBytes);
  return places === 0 ? 0 : fifoHitRatios(table.callers, table.tokenSeconds, places)[0]!;
}

/**
 * Hit ratios of a FIFO cache of `places` for tokens that live `lifeSeconds` from their first use on; the least first. Che's
 * approximation: an entry stays for the same time, in which as many others come as the table holds.
 *
 * One up to the size of the tokens in use. A table that holds them all, and up to twice as many, may have several, each of which lasts:
 * if no entry goes before its token ends, none comes twice, and none has to go; but if some do, after a peak or on a new connection, they come
 * again, and push others out before their time, for good.
 */
export function fifoHitRatios(callers: readonly UserClass[], lifeSeconds: number, places: number): readonly number[] {
  const requests = callers.reduce((sum, { users, requestsPerSecond }) => sum + users * requestsPerSecond, 0);
  if (requests === 0) return [0];
  const missesPerSecond = (stay: number): number =>
    callers.reduce((sum, { users, requestsPerSecond }) => {
      const uses = 1 + requestsPerSecond * lifeSeconds;
      return sum + (users * requestsPerSecond * entriesInLife(requestsPerSecond, lifeSeconds, stay)) / uses;
    }, 0);
  // What is inserted while an entry stays fills the table.
  const surplus = (stay: number): number => stay * missesPerSecond(stay) - places;
  // Nothing is inserted twice if an entry stays for a whole life.
  const atLeast = missesPerSecond(lifeSeconds);
  const inUse = atLeast * lifeSeconds;
  const stays = staysOf(surplus, {
    least: Math.min(lifeSeconds, places / requests),
    most: lifeSeconds,
    isOne: places < ALMOST * inUse,
  });
  const ratios = stays.map((stay) => 1 - missesPerSecond(stay) / requests);
  return places >= inUse || ratios.length === 0 ? [...ratios, 1 - atLeast / requests] : ratios;
}

/** Of the tokens in use: smaller tables have one hit ratio. */
const ALMOST = 0.85;
/** From one stay that is looked at to the next one: what is closer together does not last, since stays are never exactly the same. */
const STRIDE = 1.04;

/** Stays that last: where the surplus becomes positive. There an entry that stays too long is pushed out sooner, and one that goes too soon stays longer. */
export function staysOf(
  surplus: (stay: number) => number,
  { least, most, isOne }: { readonly least: number; readonly most: number; readonly isOne: boolean },
): readonly number[] {
  if (isOne) return [rootOf(surplus, least, most)];
  const stays: number[] = [];
  let isBelow = true;
  for (let low = least; low < most; low *= STRIDE) {
    const high = low * STRIDE;
    // A whole life is another matter: nothing comes twice there.
    if (high >= most) break;
    const wasBelow = isBelow;
    isBelow = surplus(high) < 0;
    if (wasBelow && !isBelow) stays.push(rootOf(surplus, low, high));
  }
  return stays;
}

/**
 * How often a token is inserted in its life: at its first use, and at the first use after each eviction. The k-th insertion comes
 * k stays and k waits after the first; the waits are exponential, so it comes in time if there are k uses or more in what is left.
 */
export function entriesInLife(requestsPerSecond: number, lifeSeconds: number, staySeconds: number): number {
  if (staySeconds >= lifeSeconds) return 1;
  const wait = 1 / requestsPerSecond;
  const cycle = staySeconds + wait;
  // The renewal function with its second term (Smith): close to exact after so many cycles.
  if (lifeSeconds / cycle > MANY_CYCLES) return 0.5 + lifeSeconds / cycle + (wait / cycle) ** 2 / 2;
  let inserted = 1;
  for (let again = 1; again * staySeconds < lifeSeconds; again += 1) {
    const inTime = poissonAtLeast(again, requestsPerSecond * (lifeSeconds - again * staySeconds));
    inserted += inTime;
    if (inTime < 1e-6) break;
  }
  return inserted;
}

const MANY_CYCLES = 8;
/** From this mean on the probability of fewer than a few dozen is nothing. */
const LARGE_MEAN = 200;

function poissonAtLeast(least: number, mean: number): number {
  if (mean > LARGE_MEAN) return 1;
  let [term, below] = [Math.exp(-mean), 0];
  for (let count = 0; count < least; count += 1) {
    below += term;
    term *= mean / (count + 1);
  }
  return Math.max(0, 1 - below);
}
