/** Threads that check signatures: who gets which chunk, and what becomes of it when a thread is lost. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { VerificationKey } from '../keys/verification-key.ts';
import { CheckWorker, type CheckWorkerEvents, type WaitingCheck, checkElsewhere } from './check-worker.ts';
import type { PreparedCheck } from './signature.ts';

/** Counters since the start, and what there is now. */
export interface ThreadedChecksStats {
  /** Threads that are up. */
  readonly threads: number;
  /** Threads that have ended by themselves. */
  readonly lost: number;
  /** Checks given to a thread, and how many messages that took. */
  readonly threaded: number;
  readonly chunks: number;
  /** Given to libuv's pool, since no thread was up. */
  readonly pooled: number;
}

/** What they are made of. */
export interface CheckThreadsOptions {
  /** Most threads. */
  readonly most: number;
  readonly now: () => number;
  readonly start?: (events: CheckWorkerEvents) => CheckWorker;
}

/** Checks in a chunk, at most: what a lost thread leaves behind, and the longest of the waits behind each other. */
const CHUNK = 32;
/** Chunks that a thread has at most, so that it has the next one when it is done with one. */
const DEPTH = 2;
/** After a thread was lost, no other is started for this long. */
const PAUSE_MS = 1000;

/** A few threads, and what waits for them. */
export class CheckThreads {
  readonly #most: number;
  readonly #now: () => number;
  readonly #start: (events: CheckWorkerEvents) => CheckWorker;
  /** One caller's work must not be taken for part of another's, nor a thread for a caller's (D5). */
  readonly #detached = AsyncLocalStorage.snapshot();
  readonly #workers = new Set<CheckWorker>();
  readonly #waiting = new Map<VerificationKey, WaitingCheck[]>();
  #waits = 0;
  #isDue = false;
  #isClosed = false;
  #startAgainAtMs = -Infinity;
  #counts = { lost: 0, threaded: 0, chunks: 0, pooled: 0 };

  constructor({ most, now, start = (events) => new CheckWorker(events) }: CheckThreadsOptions) {
    this.#most = most;
    this.#now = now;
    this.#start = start;
  }

  check(check: PreparedCheck, key: VerificationKey): Promise<boolean> {
    const waiting: WaitingCheck = { check, answer: Promise.withResolvers() };
    const ofKey = this.#waiting.get(key);
    if (ofKey === undefined) this.#waiting.set(key, [waiting]);
    else ofKey.push(waiting);
    this.#waits += 1;
    this.#giveSoon();
    return waiting.answer.promise;
  }

  stats(): ThreadedChecksStats {
    const threads = [...this.#workers].filter(({ isStarting }) => !isStarting).length;
    return { threads, ...this.#counts };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#workers].map((worker) => worker.end()));
  }

  // Whatever comes in one turn of the event loop goes together.
  #giveSoon(): void {
    if (this.#isDue || this.#waits === 0) return;
    this.#isDue = true;
    this.#detached(() => setImmediate(() => this.#give()));
  }

  #give(): void {
    this.#isDue = false;
    while (this.#waits > 0) {
      const worker = this.#leastBusy();
      if ((worker?.load ?? 1) > 0) this.#startAnother();
      if (worker === undefined) return this.#givePool();
      if (worker.chunks >= DEPTH) return;
      const checks = this.#take();
      this.#counts.threaded += checks.length;
      this.#counts.chunks += 1;
      worker.give(checks);
    }
  }

  #leastBusy(): CheckWorker | undefined {
    let least: CheckWorker | undefined;
    for (const worker of this.#workers) {
      if (worker.isStarting) continue;
      if (least === undefined || worker.chunks < least.chunks || (worker.chunks === least.chunks && worker.load < least.load))
        least = worker;
    }
    return least;
  }

  #startAnother(): void {
    if (this.#isClosed || this.#workers.size >= this.#most || this.#now() < this.#startAgainAtMs) return;
    // One after the other: the first may be all that is needed.
    for (const { isStarting } of this.#workers) if (isStarting) return;
    try {
      const worker = this.#start({ onReady: () => this.#giveSoon(), onEnd: () => this.#noteEnd(worker) });
      this.#workers.add(worker);
    } catch {
      this.#pause();
    }
  }

  #noteEnd(worker: CheckWorker): void {
    this.#workers.delete(worker);
    if (!this.#isClosed) this.#pause();
    this.#giveSoon();
  }

  #pause(): void {
    this.#counts.lost += 1;
    this.#startAgainAtMs = this.#now() + PAUSE_MS;
  }

  // Of one key, and no more than each thread's part.
  #take(): readonly WaitingCheck[] {
    const [key, ofKey] = this.#waiting.entries().next().value!;
    const part = Math.min(CHUNK, Math.ceil(this.#waits / this.#most));
    const checks = ofKey.length <= part ? ofKey : ofKey.splice(0, part);
    if (checks === ofKey) this.#waiting.delete(key);
    this.#waits -= checks.length;
    return checks;
  }

  #givePool(): void {
    for (const checks of this.#waiting.values()) checkElsewhere(checks);
    this.#waiting.clear();
    this.#counts.pooled += this.#waits;
    this.#waits = 0;
  }
}
