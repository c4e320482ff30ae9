/**
 * One batch under way. A scout goes through the list once and finds what stands there for the first time; workers verify it meanwhile, so
 * that other cores have something to do from the first tokens on.
 */
import { setImmediate } from 'node:timers/promises';
import { toWatchwordError } from '../errors.ts';
import type { BatchVerdict } from './batch.ts';
import type { Slice } from './slice.ts';
import type { CachedVerifier, Verifier } from './verifier.ts';

/** Tokens with one header segment have one key: alg and kid stand there. Whatever is no token makes a group of its own kind. */
interface Group {
  /** Places of those that wait. */
  readonly waiting: number[];
  /** How many of these have been taken. */
  taken: number;
  /** The first of the group is done: its key is known, or known not to be there. */
  isOpen: boolean;
}

/** Tokens after which the scout lets the event loop have its turn, in which the first of a group may turn out to be done. */
const STRETCH = 128;

/** Verifies the tokens of a list. Used once. */
export class BatchRun {
  readonly #verifier: Verifier | CachedVerifier;
  readonly #tokens: readonly string[];
  readonly #concurrency: number;
  readonly #slice: Slice;
  readonly #verdicts: BatchVerdict[];
  readonly #firstPlaces = new Map<string, number>();
  readonly #groups = new Map<string, Group>();
  /** Who goes ahead of which group, by place. */
  readonly #leading = new Map<number, Group>();
  /** Places of those of them that nobody has taken yet. */
  readonly #leaders: number[] = [];
  /** Open ones of which some wait: one after the other. */
  readonly #ready: Group[] = [];
  /** Places of tokens that stood further ahead and had no verdict yet, or none that may be shared. */
  readonly #repeats: number[] = [];
  readonly #workersDone = Promise.withResolvers<void>();
  #isScouted = false;
  #workers = 0;

  constructor(verifier: Verifier | CachedVerifier, tokens: readonly string[], concurrency: number, slice: Slice) {
    this.#verifier = verifier;
    this.#tokens = tokens;
    this.#concurrency = concurrency;
    this.#slice = slice;
    this.#verdicts = Array.from({ length: tokens.length });
  }

  /** @returns a verdict for each token, in their order */
  async run(): Promise<readonly BatchVerdict[]> {
    await this.#scout();
    this.#isScouted = true;
    if (this.#workers > 0) await this.#workersDone.promise;
    for (const place of this.#repeats) {
      const rest = this.#slice.rest();
      if (rest !== undefined) await rest;
      const token = this.#tokens[place]!;
      if (!this.#share(place, this.#firstPlaces.get(token)!)) this.#verdicts[place] = await this.#judge(token);
    }
    return this.#verdicts;
  }

  async #scout(): Promise<void> {
    for (const [place, token] of this.#tokens.entries()) {
      const rest = this.#slice.rest();
      if (rest !== undefined) await rest;
      else if (place % STRETCH === STRETCH - 1) await setImmediate();
      const first = this.#firstPlaces.get(token);
      if (first === undefined) this.#sort(place, token);
      else if (!this.#share(place, first)) this.#repeats.push(place);
    }
  }

  #sort(place: number, token: string): void {
    this.#firstPlaces.set(token, place);
    const header = typeof token === 'string' ? token.slice(0, Math.max(0, token.indexOf('.'))) : '';
    const group = this.#groups.get(header);
    if (group === undefined) {
      const founded = { waiting: [], taken: 0, isOpen: false };
      this.#groups.set(header, founded);
      this.#leading.set(place, founded);
      this.#leaders.push(place);
    } else {
      group.waiting.push(place);
      if (!group.isOpen) return;
      if (group.taken === group.waiting.length - 1) this.#ready.push(group);
    }
    this.#hire();
  }

  #hire(): void {
    while (this.#workers < this.#concurrency && (this.#leaders.length > 0 || this.#ready.length > 0)) {
      this.#workers += 1;
      void this.#work();
    }
  }

  async #work(): Promise<void> {
    for (let place = this.#take(); place !== undefined; place = this.#take()) {
      this.#verdicts[place] = await this.#judge(this.#tokens[place]!);
      const group = this.#leading.get(place);
      if (group !== undefined) this.#open(group);
      const rest = this.#slice.rest();
      if (rest !== undefined) await rest;
    }
    this.#workers -= 1;
    if (this.#workers === 0 && this.#isScouted) this.#workersDone.resolve();
  }

  #take(): number | undefined {
    const leader = this.#leaders.shift();
    if (leader !== undefined) return leader;
    const [group] = this.#ready;
    if (group === undefined) return undefined;
    const place = group.waiting[group.taken]!;
    group.taken += 1;
    if (group.taken === group.waiting.length) this.#ready.shift();
    return place;
  }

  // A key that takes long to come has held up its own group only.
  #open(group: Group): void {
    group.isOpen = true;
    if (group.waiting.length === 0) return;
    this.#ready.push(group);
    this.#hire();
  }

  // What stands in several places shares a verdict where a cache could have kept it: not that of a token which is good for one use.
  #share(place: number, first: number): boolean {
    const verdict = this.#verdicts[first];
    if (verdict === undefined || !this.#mayShare(verdict)) return false;
    this.#verdicts[place] = verdict;
    return true;
  }

  #mayShare({ token }: BatchVerdict): boolean {
    try {
      return token === undefined || this.#verifier.holds(token);
    } catch {
      return false;
    }
  }

  async #judge(token: string): Promise<BatchVerdict> {
    try {
      const known = 'recall' in this.#verifier ? this.#verifier.recall(token) : undefined;
      return { token: known ?? (await this.#verifier.verify(token)) };
    } catch (thrown) {
      return { error: toWatchwordError(thrown) };
    }
  }
}
