/** When the hand of SIEVE looks at an entry, and when it evicts it: a distribution of times, as a Laplace transform. */
import { type Alternation, type States, after, silently } from './caller-states.ts';
import { Spectrum } from './spectrum.ts';

/** When the hand looks at an entry. */
export interface Looks {
  /** Kinds of entries, equally many: how old they are at the first look, and the time from there to the second. */
  readonly kinds: readonly { readonly first: number; readonly second: number }[];
  /** From each look to the next one later on. Infinity: there is no other than the first. */
  readonly later: number;
}

/** What it takes to know whether an entry was used between two looks. */
export interface LookedAt {
  /** Requests of one busy user that come to this cache, per second. */
  readonly perSecond: number;
  /** The probability that a request which comes here uses the token here more than once. */
  readonly repeats: number;
}

/** Of users who are busy at that time, and idle. */
export interface Pair {
  readonly busy: Spectrum;
  readonly idle: Spectrum;
}

/** The time from insertion to eviction. All that it gives is overwritten by the next `update`. */
export class EvictionLaw {
  /** At the first look. */
  readonly first: Pair;
  readonly second: Pair;
  /** At any look. */
  readonly all: Pair;
  readonly #spared: Pair;
  readonly #at: Spectrum;
  readonly #sessions: Alternation;
  #looks: Looks = { kinds: [], later: Infinity };
  // To each kind's first look, to its second one, and from there to each later one.
  readonly #first: Spectrum[] = [];
  readonly #second: Spectrum[] = [];
  readonly #later: Spectrum;
  readonly #scratch: readonly Spectrum[];

  /** @param at where the transform is asked for */
  constructor(at: Spectrum, sessions: Alternation) {
    this.#sessions = sessions;
    const size = at.re.length;
    const pair = (): Pair => ({ busy: new Spectrum(size), idle: new Spectrum(size) });
    [this.first, this.second, this.all, this.#spared] = [pair(), pair(), pair(), pair()];
    [this.#at, this.#later] = [at, new Spectrum(size)];
    this.#scratch = Array.from({ length: 7 }, () => new Spectrum(size));
  }

  /** Whether there is more than one look. */
  get isRepeated(): boolean {
    return this.#looks.later !== Infinity;
  }

  lookAt(looks: Looks): void {
    this.#looks = looks;
    for (const [index, { first, second }] of looks.kinds.entries()) {
      this.#first[index] = this.#wait(this.#first[index], first);
      this.#second[index] = this.#wait(this.#second[index], first + second);
    }
    this.#wait(this.#later, looks.later);
  }

  /** Computes it for these callers. @returns itself */
  update(callers: LookedAt): this {
    const { kinds, later } = this.#looks;
    empty(this.first);
    for (const [index, kind] of kinds.entries())
      add(this.first, this.#first[index]!, unusedFirst(kind, callers, this.#sessions), kinds.length);
    this.all.busy.set(this.first.busy);
    this.all.idle.set(this.first.idle);
    if (later === Infinity) return this;
    empty(this.second);
    empty(this.#spared);
    for (const [index, kind] of kinds.entries()) {
      const { evicted, spared } = foundSecond(kind, callers, this.#sessions);
      add(this.second, this.#second[index]!, evicted, kinds.length);
      add(this.#spared, this.#second[index]!, spared, kinds.length);
    }
    this.all.busy.plus(this.second.busy);
    this.all.idle.plus(this.second.idle);
    this.#addLater(callers, later);
    return this;
  }

  #wait(into: Spectrum | undefined, seconds: number): Spectrum {
    return (into ?? new Spectrum(this.#at.re.length)).set(this.#at).delayed(seconds);
  }

  // A geometric series of looks: spared any number of times, then evicted. The inverse of a matrix of two by two.
  #addLater({ perSecond }: LookedAt, seconds: number): void {
    const sessions = this.#sessions;
    const [stays, leaves, comes, rests, determinant, busy, idle] = this.#scratch as [
      Spectrum,
      Spectrum,
      Spectrum,
      Spectrum,
      Spectrum,
      Spectrum,
      Spectrum,
    ];
    const unused = silently(sessions, perSecond, seconds);
    const used = silently(sessions, 0, seconds);
    const wait = this.#later;
    for (const [index, to] of [stays, leaves, comes, rests].entries()) to.set(wait).scaled(used[index]! - unused[index]!);
    const [leavesNot, restsNot] = [stays.scaled(-1, 1), rests.scaled(-1, 1)];
    busy.set(leaves).times(comes);
    determinant.set(leavesNot).times(restsNot).plus(busy, -1);
    const spared = this.#spared;
    busy.set(spared.busy).times(restsNot).plus(comes.times(spared.idle)).over(determinant).times(wait);
    idle.set(spared.idle).times(leavesNot).plus(leaves.times(spared.busy)).over(determinant).times(wait);
    this.all.busy.plus(busy, unused[0]).plus(idle, unused[2]);
    this.all.idle.plus(busy, unused[1]).plus(idle, unused[3]);
  }
}

type Kind = Looks['kinds'][number];

function unusedFirst({ first }: Kind, { perSecond, repeats }: LookedAt, sessions: Alternation): States {
  return after([1 - repeats, 0], silently(sessions, perSecond, first));
}

// Of those whom the hand has spared at the first look.
function foundSecond(
  kind: Kind,
  callers: LookedAt,
  sessions: Alternation,
): { readonly evicted: States; readonly spared: States } {
  const used = less(after([1, 0], silently(sessions, 0, kind.first)), unusedFirst(kind, callers, sessions));
  const evicted = after(used, silently(sessions, callers.perSecond, kind.second));
  return { evicted, spared: less(after(used, silently(sessions, 0, kind.second)), evicted) };
}

function less([busy, idle]: States, [lessBusy, lessIdle]: States): States {
  return [busy - lessBusy, idle - lessIdle];
}

function empty({ busy, idle }: Pair): void {
  busy.fill(0);
  idle.fill(0);
}

function add({ busy, idle }: Pair, wait: Spectrum, [toBusy, toIdle]: States, kinds: number): void {
  busy.plus(wait, toBusy / kinds);
  idle.plus(wait, toIdle / kinds);
}
