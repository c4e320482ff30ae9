/** What a worker has in its hands: kept for as long as it works, ended or given back once. */
import type { Clock, Random, Schedule } from '@watchword/core';
import { readClock } from '@watchword/core';
import type { Claim, Outcome } from '../queue.ts';
import type { WorkerQueue } from '../worker.ts';
import { patiently } from './patience.ts';
import type { WorkerCounts } from './worker-stats.ts';

interface Tools {
  readonly queue: WorkerQueue;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
}

interface Held {
  readonly claim: Claim;
  readonly abort: AbortController;
  /** Whether anything was done about it. */
  isBegun: boolean;
  /** Whether the queue is being told of its end: that it is not held afterwards is no loss. */
  isEnding: boolean;
}

export class Holdings {
  readonly #tools: Tools;
  readonly #counts: WorkerCounts;
  readonly #held = new Map<string, Held>();
  #isStopping = false;
  #isOver = false;
  #cancel: (() => void) | undefined;

  constructor(tools: Tools, counts: WorkerCounts) {
    this.#tools = tools;
    this.#counts = counts;
  }

  get size(): number {
    return this.#held.size;
  }

  take(claims: readonly Claim[]): void {
    for (const claim of claims)
      this.#held.set(nameOf(claim), { claim, abort: new AbortController(), isBegun: false, isEnding: false });
  }

  has(claim: Claim): boolean {
    return this.#own(claim) !== undefined;
  }

  /** From now on they count as attempts. */
  begin(claims: readonly Claim[]): void {
    for (const claim of claims) {
      const own = this.#own(claim);
      if (own !== undefined) own.isBegun = true;
    }
  }

  /** Keeps them no longer. */
  forget(claims: readonly Claim[]): void {
    for (const claim of claims) this.#held.delete(nameOf(claim));
  }

  /** Aborted once the claim is not held any more, other than by its end. */
  signalOf(claim: Claim): AbortSignal {
    return this.#own(claim)?.abort.signal ?? AbortSignal.abort();
  }

  /** Extends all leases, again and again, well before they run out. */
  keep(): void {
    this.#cancel = this.#tools.schedule(() => void this.#extend(), this.#tools.leaseMs / 3);
  }

  /** @returns whether this worker has ended the entry */
  async settle(claim: Claim, outcome: Outcome): Promise<boolean> {
    return this.#letGo(claim, () => this.#tools.queue.settle([[claim, outcome]]));
  }

  /** @returns whether this worker has given the entry back */
  async release(claim: Claim, notBeforeMs: number, isUntouched = false): Promise<boolean> {
    return this.#letGo(claim, () => this.#tools.queue.release([{ claim, notBeforeMs, isUntouched }]));
  }

  /** Aborts and gives back what is held, or `claims` of it: where the queue does not answer, the leases run out by themselves. */
  async giveBack(claims?: readonly Claim[]): Promise<void> {
    if (claims === undefined) this.#isStopping = true;
    const left = (claims ?? [...this.#held.values()].map(({ claim }) => claim)).flatMap((claim) => this.#own(claim) ?? []);
    this.forget(left.map(({ claim }) => claim));
    for (const { abort } of left) abort.abort();
    if (left.length === 0) return;
    try {
      const nowMs = readClock(this.#tools.clock);
      const released = await this.#tools.queue.release(
        left.map(({ claim, isBegun }) => ({ claim, notBeforeMs: nowMs, isUntouched: !isBegun })),
      );
      this.#counts.add('givenBack', released.filter(Boolean).length);
    } catch (error) {
      this.#tools.onError(error);
    }
  }

  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  // Nobody else can have ended it, as long as it is held: so a queue that is away is asked until it is back.
  async #letGo(claim: Claim, action: () => Promise<readonly boolean[]>): Promise<boolean> {
    const own = this.#own(claim);
    if (own === undefined) return false;
    own.isEnding = true;
    const answer = await patiently(this.#tools, action, { isOver: () => this.#isStopping || !this.has(claim) });
    const isEnded = answer?.[0] === true;
    if (this.#held.delete(nameOf(claim)) && !isEnded && answer !== undefined) this.#counts.add('lost', 1);
    return isEnded;
  }

  async #extend(): Promise<void> {
    const claims = [...this.#held.values()].map(({ claim }) => claim);
    try {
      const kept = new Set((await this.#tools.queue.extend(claims, this.#tools.leaseMs)).map(({ entry }) => entry.id));
      for (const claim of claims) if (!kept.has(claim.entry.id)) this.#lose(claim);
    } catch (error) {
      this.#tools.onError(error);
    }
    if (!this.#isOver) this.keep();
  }

  #lose(claim: Claim): void {
    const own = this.#own(claim);
    if (own === undefined || own.isEnding) return;
    this.#held.delete(nameOf(claim));
    this.#counts.add('lost', 1);
    own.abort.abort();
  }

  #own(claim: Claim): Held | undefined {
    return this.#held.get(nameOf(claim));
  }
}

function nameOf({ token, entry }: Claim): string {
  return token + entry.id;
}
