/** When the hand of SIEVE looks at an entry, and when it evicts it: a distribution of times, as a Laplace transform. */
import { type Alternation, type States, after, silently } from './caller-states.ts';
import { Spectrum } from './spectrum.ts';

/** When the hand looks at an entry. */
export interface Looks {
  /** Kinds of entries, equally many: how old they are at the first look, and the time from there to the second. */
  readonly kinds: readonly { readonly first: number; readonly second: number }[];
  /** From each look to the next one later on. */
  readonly later: number;
}

/** What it takes to know whether an entry was used between two looks. */
export interface LookedAt {
  readonly sessions: Alternation;
  readonly perSecond: number;
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
  readonly #looks: Looks;
  readonly #waits: { readonly first: readonly Spectrum[]; readonly second: readonly Spectrum[]; readonly later: Spectrum };
  readonly #scratch: readonly Spectrum[];

  /** @param at where the transform is asked for */
  constructor(looks: Looks, at: Spectrum) {
    const size = at.re.length;
    const pair = (): Pair => ({ busy: new Spectrum(size), idle: new Spectrum(size) });
    [this.first, this.second, this.all, this.#spared] = [pair(), pair(), pair(), pair()];
    this.#looks = looks;
    const wait = (seconds: number): Spectrum => new Spectrum(size).set(at).delayed(seconds);
    this.#waits = {
      first: looks.kinds.map(({ first }) => wait(first)),
      second: looks.kinds.map(({ first, second }) => wait(first + second)),
      later: wait(looks.later),
    };
    this.#scratch = Array.from({ length: 7 }, () => new Spectrum(size));
  }

  /** Computes it for these callers. */
  update(callers: LookedAt): void {
    for (const { busy, idle } of [this.first, this.second, this.#spared]) {
      busy.fill(0);
      idle.fill(0);
    }
    const { kinds, later } = this.#looks;
    for (const [index, kind] of kinds.entries()) {
      const found = foundBy(kind, callers);
      add(this.first, this.#waits.first[index]!, found.first, kinds.length);
      if (kind.second === Infinity) continue;
      add(this.second, this.#waits.second[index]!, found.second, kinds.length);
      add(this.#spared, this.#waits.second[index]!, found.spared, kinds.length);
    }
    this.all.busy.set(this.first.busy).plus(this.second.busy);
    this.all.idle.set(this.first.idle).plus(this.second.idle);
    if (later !== Infinity) this.#addLater(callers, later);
  }

  // A geometric series of looks: spared any number of times, then evicted. The inverse of a matrix of two by two.
  #addLater({ sessions, perSecond }: LookedAt, seconds: number): void {
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
    const wait = this.#waits.later;
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

/** Users whose entries the hand evicts at the first and at the second look, and whose it spares at both. */
interface Found {
  readonly first: States;
  readonly second: States;
  readonly spared: States;
}

function foundBy({ first, second }: Looks['kinds'][number], { sessions, perSecond, repeats }: LookedAt): Found {
  const unused = after([1 - repeats, 0], silently(sessions, perSecond, first));
  if (second === Infinity) return { first: unused, second: [0, 0], spared: [0, 0] };
  const used = less(after([1, 0], silently(sessions, 0, first)), unused);
  const unusedAgain = after(used, silently(sessions, perSecond, second));
  return { first: unused, second: unusedAgain, spared: less(after(used, silently(sessions, 0, second)), unusedAgain) };
}

function less([busy, idle]: States, [lessBusy, lessIdle]: States): States {
  return [busy - lessBusy, idle - lessIdle];
}

function add({ busy, idle }: Pair, wait: Spectrum, [toBusy, toIdle]: States, kinds: number): void {
  busy.plus(wait, toBusy / kinds);
  idle.plus(wait, toIdle / kinds);
}
