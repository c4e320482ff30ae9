/** Work for the thread pool, in the order of arrival: a few at a time, and nobody waits for longer than is useful. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { WatchwordError } from '../errors.ts';
import type { Schedule } from '../revocation/schedule.ts';

/** The bounds. A burst is what came, and comes, within `burstMs` of a time when whoever came was served at once. */
export interface CheckQueueLimits {
  /** Most that are in the pool at a time. */
  readonly concurrency: number;
  /** The same in a burst, at least `concurrency`. */
  readonly burstConcurrency: number;
  /** Most that wait. */
  readonly maxWaiting: number;
  /** Longest time from arrival to answer, in milliseconds, when more comes for long than is checked. */
  readonly maxWaitMs: number;
  /** Time in which a burst is to be answered, in milliseconds. */
  readonly burstMs: number;
}

/** Something that the pool does. It is called on nobody's behalf. */
export type Work = () => Promise<boolean>;

interface Job {
  readonly work: Work;
  readonly answer: PromiseWithResolvers<boolean>;
  readonly deadlineMs: number;
}

/** A bounded queue in front of libuv's, which has no bound and can't forget. */
export class CheckQueue {
  readonly #limits: CheckQueueLimits;
  readonly #now: () => number;
  readonly #schedule: Schedule;
  /** One caller's work starts where another's ends, and must not be taken for part of that (D5). */
  readonly #detached = AsyncLocalStorage.snapshot();
  /** Sets, because they keep the order and forget any member at the same small cost. */
  readonly #waiting = new Set<Job>();
  readonly #running = new Set<Job>();
  /** In the pool, those included that nobody waits for any more. */
  #busy = 0;
  /** When whoever came would last have been served at once. */
  #quietAtMs: number;
  #isWatched = false;
  #workMs = 0.1;
  #started = 0;
  #shed = 0;

  constructor(limits: CheckQueueLimits, now: () => number, schedule: Schedule) {
    this.#limits = limits;
    this.#now = now;
    this.#schedule = schedule;
    this.#quietAtMs = now();
  }

  /** Whether somebody waits. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  get counts(): { readonly started: number; readonly shed: number; readonly running: number; readonly waiting: number } {
    return { started: this.#started, shed: this.#shed, running: this.#busy, waiting: this.#waiting.size };
  }

  /** @throws WatchwordError `overloaded`, also as a rejection */
  add(work: Work): Promise<boolean> {
    const nowMs = this.#now();
    this.#refuseLate(nowMs);
    this.#noteQuiet(nowMs);
    const { maxWaiting, maxWaitMs, burstMs } = this.#limits;
    // The newest is refused and not the oldest: who has waited is served, and a flood pushes nobody out.
    if (this.#waiting.size >= maxWaiting || this.#willBeLate(nowMs)) {
      this.#shed += 1;
      throw new WatchwordError('overloaded', 'More signatures wait to be checked than can be in time');
    }
    const job: Job = {
      work,
      answer: Promise.withResolvers(),
      deadlineMs: Math.max(nowMs + maxWaitMs, this.#quietAtMs + burstMs),
    };
    this.#waiting.add(job);
    this.#detached(() => this.#startNext(nowMs));
    return job.answer.promise;
  }

  // Times include this thread's, until it hears of an end. In a burst it has much else to do, so that they say nothing about the pool.
  #willBeLate(nowMs: number): boolean {
    const { concurrency, maxWaitMs, burstMs } = this.#limits;
    const expectedMs = ((this.#waiting.size + this.#busy) / concurrency) * this.#workMs;
    return expectedMs > maxWaitMs && nowMs + maxWaitMs >= this.#quietAtMs + burstMs;
  }

  #startNext(nowMs: number): void {
    const { concurrency, burstConcurrency, burstMs } = this.#limits;
    const places = nowMs < this.#quietAtMs + burstMs ? burstConcurrency : concurrency;
    for (const job of this.#waiting) {
      if (this.#busy >= places) break;
      this.#waiting.delete(job);
      void this.#run(job);
    }
    this.#watch();
  }

  async #run(job: Job): Promise<void> {
    const startedMs = this.#now();
    this.#running.add(job);
    this.#busy += 1;
    this.#started += 1;
    try {
      job.answer.resolve(await job.work());
    } catch (error) {
      job.answer.reject(error);
    }
    this.#busy -= 1;
    this.#running.delete(job);
    const endedMs = this.#now();
    this.#learn(endedMs - startedMs);
    this.#refuseLate(endedMs);
    this.#startNext(endedMs);
    this.#noteQuiet(endedMs);
  }

  // Not by how many wait: while the pool does not get on, refusals leave nobody waiting.
  #noteQuiet(nowMs: number): void {
    if (this.#busy < this.#limits.concurrency) this.#quietAtMs = nowMs;
  }

  // The mean of the last 16 or so. One long wait, for threads that others hold, must not refuse those who come after it.
  #learn(workMs: number): void {
    this.#workMs += (Math.min(workMs, 4 * this.#workMs) - this.#workMs) / 16;
  }

  // Those in the pool too: while others hold all of its threads, nothing there comes to an end.
  #refuseLate(nowMs: number): void {
    for (const jobs of [this.#running, this.#waiting]) {
      for (const job of jobs) {
        if (job.deadlineMs > nowMs) break;
        jobs.delete(job);
        this.#shed += 1;
        job.answer.reject(new WatchwordError('overloaded', 'The signature was not checked in time'));
      }
    }
  }

  // One timer for all of them: the first to arrive is the first to be late.
  #watch(): void {
    const first = this.#running.values().next().value ?? this.#waiting.values().next().value;
    if (this.#isWatched || first === undefined) return;
    this.#isWatched = true;
    this.#schedule(
      () => {
        this.#isWatched = false;
        this.#refuseLate(this.#now());
        this.#watch();
      },
      Math.max(1, first.deadlineMs - this.#now()),
    );
  }
}
