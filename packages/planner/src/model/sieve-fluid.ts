/**
 * The hit ratio of a bounded cache that evicts by SIEVE and whose tokens expire: a fluid limit. Masses of entries take the place of
 * single ones and flow through the cache as the rules say; what Che's approximation is for LRU. Expired verdicts stay until the
 * hand finds them, as they do in the cache itself.
 */

/** Users who are alike, as one of the caches sees them. */
export interface FluidClass {
  readonly users: number;
  /** Of one user, in this cache. */
  readonly requestsPerSecond: number;
  /** How fast those come to this cache with a token that it has not seen: per second, of those whose token it has not seen. */
  readonly arrival: number;
  /** The probability that a token lives on for so long after this cache has first seen it. */
  readonly livesOn: (seconds: number) => number;
  /** The logarithm of the probability that an entry is not used for so long after it came. */
  readonly logUnused: (seconds: number) => number;
}

/** How finely it is computed. */
export interface Fineness {
  /** Parts of the cache that are told apart. */
  readonly parts: number;
  /** Sweeps of the hand, the first `warmUp` of which are not counted: the cache fills. */
  readonly sweeps: number;
  readonly warmUp: number;
  readonly mostSteps: number;
  /** Steps in the life of a token, at least. */
  readonly stepsOfLife: number;
}

/** Within a point of a simulation; a tenth to a full second. */
export const FINE: Fineness = { parts: 40, sweeps: 10, warmUp: 3, mostSteps: 6000, stepsOfLife: 24 };
/** Within two or three points; some milliseconds. */
export const COARSE: Fineness = { parts: 12, sweeps: 5, warmUp: 2, mostSteps: 300, stepsOfLife: 12 };

/** Points at which the laws of a class are known. */
const GRID = 256;
const LAST = GRID - 1e-9;
/** Less of an entry than matters. */
const NOBODY = 1e-3;

/** Entries of one age. Four numbers for each class: first and later ones of a token, each unused and used. */
interface Part {
  readonly alive: Float64Array;
  deadUnused: number;
  deadUsed: number;
  age: number;
}

/** Computes it. */
export function sieveHitRatio(
  classes: readonly FluidClass[],
  entries: number,
  lifeSeconds: number,
  fineness: Fineness = FINE,
): number {
  const { mostSteps, sweeps, warmUp } = fineness;
  const cache = new Fluid(classes, entries, lifeSeconds, fineness);
  const requestRate = classes.reduce((sum, { users, requestsPerSecond }) => sum + users * requestsPerSecond, 0);
  let [seconds, missed] = [0, 0];
  for (let step = 0; step < mostSteps && cache.sweeps < sweeps; step += 1) {
    const took = cache.step();
    if (cache.sweeps < warmUp && step < mostSteps / 2) continue;
    seconds += took.seconds;
    missed += took.missed;
  }
  return Math.max(0, 1 - missed / (requestRate * seconds));
}

class Fluid {
  sweeps = 0;
  readonly #classes: readonly FluidClass[];
  readonly #tables: readonly { readonly livesOn: Float64Array; readonly unused: Float64Array }[];
  readonly #fineness: Fineness;
  readonly #entries: number;
  readonly #lifeSeconds: number;
  readonly #parts: Part[] = [];
  /** By class, tokens that were evicted and still live. */
  readonly #evicted: Float64Array;
  #hand = 0;
  #missRate: number;

  constructor(classes: readonly FluidClass[], entries: number, lifeSeconds: number, fineness: Fineness) {
    this.#fineness = fineness;
    this.#classes = classes;
    this.#tables = classes.map(({ livesOn, logUnused }) => ({
      livesOn: sampled(livesOn, lifeSeconds),
      // Logarithms: on a straight line for a steady stream.
      unused: sampled(logUnused, lifeSeconds),
    }));
    this.#entries = entries;
    this.#lifeSeconds = lifeSeconds;
    this.#evicted = new Float64Array(classes.length);
    this.#missRate = classes.reduce((sum, { users, arrival }) => sum + users * arrival, 0);
  }

  step(): { readonly seconds: number; readonly missed: number } {
    const seconds = Math.min(
      this.#entries / this.#fineness.parts / this.#missRate,
      this.#lifeSeconds / this.#fineness.stepsOfLife,
    );
    for (const part of this.#parts) this.#grow(part, seconds);
    const newest = this.#misses(seconds);
    const missed = sizeOf(newest);
    this.#missRate = Math.max(missed / seconds, 1e-12);
    this.#push(newest);
    let surplus = -this.#entries;
    for (const part of this.#parts) surplus += sizeOf(part);
    if (surplus > 0) this.#evict(surplus);
    return { seconds, missed };
  }

  // Some are used, some expire.
  #grow(part: Part, seconds: number): void {
    const { age } = part;
    part.age += seconds;
    if (aliveOf(part) < NOBODY) return;
    const scale = GRID / this.#lifeSeconds;
    const [from, to] = [age * scale, (age + seconds) * scale];
    // A token that came back after an eviction has used up a part of its life: any part is as likely.
    const left = this.#lifeSeconds - age;
    const livesAgain = left <= seconds ? 0 : 1 - seconds / left;
    for (let index = 0; index < this.#tables.length; index += 1) {
      const { livesOn, unused } = this.#tables[index]!;
      const stays = Math.exp(read(unused, Math.min(to, LAST)) - read(unused, Math.min(from, LAST)));
      const lives = ratio(read(livesOn, to), read(livesOn, from));
      this.#age(part, index * 4, stays, lives);
      this.#age(part, index * 4 + 2, stays, livesAgain);
    }
  }

  #age(part: Part, at: number, stays: number, lives: number): void {
    const { alive } = part;
    const fresh = alive[at]! * stays;
    const used = alive[at + 1]! + alive[at]! - fresh;
    alive[at] = fresh * lives;
    alive[at + 1] = used * lives;
    part.deadUnused += fresh * (1 - lives);
    part.deadUsed += used * (1 - lives);
  }

  #misses(seconds: number): Part {
    // They have come all through the step: as if in its middle. Those right in front of the hand go as they come.
    const isFull = this.#parts.length > 0 && this.#hand >= this.#parts.length - 1 && this.#hand > 0;
    const age = isFull ? 0 : seconds / 2;
    const part = { ...emptyPart(this.#classes.length), age };
    const inside = new Float64Array(this.#classes.length);
    for (const { alive } of this.#parts) for (let at = 0; at < alive.length; at += 1) inside[at >> 2]! += alive[at]!;
    for (const [index, { users, arrival, requestsPerSecond }] of this.#classes.entries()) {
      const evicted = this.#evicted[index]!;
      const unseen = Math.max(0, users - inside[index]! - evicted);
      const again = evicted * -Math.expm1(-requestsPerSecond * seconds);
      const first = unseen * -Math.expm1(-arrival * seconds);
      const stays = Math.exp(read(this.#tables[index]!.unused, Math.min(LAST, (age * GRID) / this.#lifeSeconds)));
      part.alive.set([first * stays, first * (1 - stays), again * stays, again * (1 - stays)], index * 4);
      this.#evicted[index] = (evicted - again) * Math.exp((-2 * seconds) / this.#lifeSeconds);
    }
    return part;
  }

  #push(newest: Part): void {
    const last = this.#parts.at(-1);
    // Never into what the hand has passed.
    if (last !== undefined && this.#hand < this.#parts.length && this.#areAlike(last, newest)) {
      pour(last, newest);
    } else this.#parts.push(newest);
  }

  // Small together, and of one age, unless there is nobody alive whose age would matter.
  #areAlike(one: Part, other: Part): boolean {
    if (sizeOf(one) + sizeOf(other) >= this.#entries / this.#fineness.parts) return false;
    const isYoung = Math.abs(one.age - other.age) < this.#lifeSeconds / this.#fineness.stepsOfLife;
    return isYoung || Math.min(aliveOf(one), aliveOf(other)) < NOBODY;
  }

  #evict(surplus: number): void {
    let left = surplus;
    for (let guard = 0; left > 1e-9 && guard < 10_000; guard += 1) {
      if (this.#hand >= this.#parts.length) {
        this.#hand = 0;
        this.sweeps += 1;
      }
      const part = this.#parts[this.#hand]!;
      const unused = unusedOf(part);
      if (unused <= left) {
        left -= unused;
        this.#pass(part, 1);
        this.#settle();
      } else {
        const share = left / unused;
        const passed = split(part, share);
        this.#pass(passed, 1);
        this.#parts.splice(this.#hand, 0, passed);
        this.#settle();
        left = 0;
      }
    }
    // Less than one entry in front of the hand: it has arrived at the newest, and begins anew at the oldest.
    const isLast = this.#hand === this.#parts.length - 1 && sizeOf(this.#parts[this.#hand]!) < 1;
    if (isLast || this.#hand >= this.#parts.length) {
      this.#hand = 0;
      this.sweeps += 1;
    }
  }

  // Unused entries go, used ones are spared once.
  #pass(part: Part, share: number): void {
    const { alive } = part;
    for (let at = 0; at < alive.length; at += 2) {
      this.#evicted[at >> 2]! += alive[at]! * share;
      alive[at] = alive[at + 1]!;
      alive[at + 1] = 0;
    }
    part.deadUnused = part.deadUsed;
    part.deadUsed = 0;
  }

  // The hand goes on; what it leaves behind joins the part before it, if both are small.
  #settle(): void {
    const [before, part] = [this.#parts[this.#hand - 1], this.#parts[this.#hand]!];
    if (before !== undefined && this.#areAlike(before, part)) {
      pour(before, part);
      this.#parts.splice(this.#hand, 1);
    } else if (sizeOf(part) < 1e-9) this.#parts.splice(this.#hand, 1);
    else this.#hand += 1;
  }
}

function sampled(share: (seconds: number) => number, lifeSeconds: number): Float64Array {
  // The end itself belongs to the life: whoever is older is dead.
  return Float64Array.from({ length: GRID + 1 }, (_, step) => share((Math.min(step, LAST) / GRID) * lifeSeconds));
}

function read(table: Float64Array, at: number): number {
  if (at >= GRID) return 0;
  const low = Math.floor(at);
  return table[low]! + (at - low) * (table[low + 1]! - table[low]!);
}

function emptyPart(classes: number): Part {
  return { alive: new Float64Array(classes * 4), deadUnused: 0, deadUsed: 0, age: 0 };
}

function sizeOf({ alive, deadUnused, deadUsed }: Part): number {
  let size = deadUnused + deadUsed;
  for (let at = 0; at < alive.length; at += 1) size += alive[at]!;
  return size;
}

function aliveOf({ alive }: Part): number {
  let size = 0;
  for (let at = 0; at < alive.length; at += 1) size += alive[at]!;
  return size;
}

function unusedOf({ alive, deadUnused }: Part): number {
  let size = deadUnused;
  for (let at = 0; at < alive.length; at += 2) size += alive[at]!;
  return size;
}

function pour(into: Part, from: Part): void {
  const [old, more] = [aliveOf(into), aliveOf(from)];
  if (old + more > 0) into.age = (into.age * old + from.age * more) / (old + more);
  for (let at = 0; at < into.alive.length; at += 1) into.alive[at]! += from.alive[at]!;
  into.deadUnused += from.deadUnused;
  into.deadUsed += from.deadUsed;
}

function split(from: Part, share: number): Part {
  const part: Part = {
    alive: from.alive.map((mass) => mass * share),
    deadUnused: from.deadUnused * share,
    deadUsed: from.deadUsed * share,
    age: from.age,
  };
  for (let at = 0; at < from.alive.length; at += 1) from.alive[at]! -= part.alive[at]!;
  from.deadUnused -= part.deadUnused;
  from.deadUsed -= part.deadUsed;
  return part;
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
