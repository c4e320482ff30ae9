/**
 * How many signature checks are left when the threads of a machine share what they have proven. The table evicts by age (FIFO) and gives
 * the place of a proof back when its token ends; threads ask it for what their own caches do not have, and hits there renew nothing.
 */
import { type CacheHits, type CacheLayout, liveShare } from './cache-hits.ts';
import { entriesInLife, staysOf } from './header-table.ts';
import { placesInLife, usesInLife } from './token-life.ts';

/** Machines with a table each, and who comes to them. */
export interface SharedLayout extends Omit<CacheLayout, 'entries'> {
  /** Places of each table. */
  readonly entries: number;
  /** What the caches of the threads, for the same classes, leave to the table. */
  readonly missesPerToken: CacheHits['missesPerToken'];
}

/**
 * How long entries stay, in the time in which as many come as the table has places: equally many for each of these. A newcomer has two
 * buckets of four to choose from, and takes a place that is free, or that of the oldest; measured with the real
 * table (shared-table.test.ts), it is about a gamma distribution of shape 18.
 */
const STAYS: readonly number[] = [-1.534, -0.887, -0.489, -0.157, 0.157, 0.489, 0.887, 1.534].map((normal) => gamma(18, normal));

// Wilson and Hilferty 1931.
function gamma(shape: number, normal: number): number {
  return (1 - 1 / (9 * shape) + normal / (3 * Math.sqrt(shape))) ** 3;
}

/** Share of uses for which some thread of the machine, in its own cache or in the table, knows the signature: 0 to 1. `places`: machines. */
export function provenRatio(layout: SharedLayout): number {
  const { session, lifeSeconds, places, groups, entries, visits = 1 } = layout;
  let uses = 0;
  const streams = layout.classes
    .filter(({ requestsPerSecond }) => requestsPerSecond > 0)
    .map(({ users, requestsPerSecond }, index): Stream => {
      const caller = { requestsPerSecond, ...session };
      const used = usesInLife(caller, lifeSeconds);
      const tokensPerSecond = (users * requestsPerSecond) / used;
      const seen = placesInLife(caller, lifeSeconds, places, visits);
      uses += tokensPerSecond * used * visits;
      const life = lifeSeconds * liveShare(caller, lifeSeconds, places, visits);
      return {
        perSecond: tokensPerSecond * seen,
        life,
        asksPerSecond: Math.max(0, layout.missesPerToken[index]! / seen - 1) / life,
      };
    });
  if (uses === 0) return 0;
  const at = (scale: number): Account => accountOf(streams, scale);
  const all = places * groups * entries;
  const surplus = (scale: number): number => {
    const { entries: held, checks, life } = at(scale);
    // Of a stream of tokens that are used once, this is that as many come in a stay as there are places.
    return (held * scale) / mean(STAYS, (stay) => Math.min(stay * scale, life / checks)) - all;
  };
  // So long that all stay to the end.
  const most = lifeSeconds / STAYS[0]!;
  const least = Math.min(most, all / uses);
  const [scale] = surplus(most) <= 0 ? [most] : staysOf(surplus, { least, most, isOne: false });
  return Math.max(0, 1 - at(scale ?? most).checks / uses);
}

/** What happens per second, and what is in the tables. */
interface Account {
  readonly checks: number;
  readonly entries: number;
  /** What is left of the lives of those that come in. */
  readonly life: number;
}

/** Tokens of one class that come to some machine. */
interface Stream {
  /** All machines together. */
  readonly perSecond: number;
  /** From the first use on the machine on, in seconds. */
  readonly life: number;
  /** Times that a thread asks for one of them, after the first. */
  readonly asksPerSecond: number;
}

function accountOf(streams: readonly Stream[], scale: number): Account {
  const sum = { checks: 0, entries: 0, life: 0 };
  for (const { perSecond, life, asksPerSecond } of streams) {
    const share = perSecond / STAYS.length;
    for (const stay of STAYS) {
      const seconds = stay * scale;
      const comes = asksPerSecond === 0 ? 1 : entriesInLife(asksPerSecond, life, seconds);
      sum.checks += share * comes;
      // While it is out, threads ask as often as at any time: each time that one asks and it is out, it comes in again.
      sum.entries += share * (comes === 1 ? Math.min(seconds, life) : Math.max(0, life - (comes - 1) / asksPerSecond));
      sum.life += share * life * (1 + (comes - 1) / 2);
    }
  }
  return sum;
}

function mean(values: readonly number[], of: (value: number) => number): number {
  return values.reduce((total, value) => total + of(value), 0) / values.length;
}
