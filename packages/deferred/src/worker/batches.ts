/** Batches of jobs: opened, handed over, concluded one by one. */
import { WatchwordError, readClock } from '@watchword/core';
import type { Claim, Outcome } from '../queue.ts';
import type { Job, JobResult } from '../worker.ts';
import type { Holdings } from './holdings.ts';
import type { WorkerSettings } from './settings.ts';
import type { WorkerCounts } from './worker-stats.ts';

/** Bytes of payloads opened in one turn of the event loop. */
const OPEN_AT_ONCE_BYTES = 2 ** 20;
/** Entries whose last attempt is remembered. */
const MOST_SPOKEN = 10_000;
/** How long what waits for somebody else is left alone, about. */
const SHORTEST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

export class Batches<Request> {
  readonly #settings: WorkerSettings<Request>;
  readonly #holdings: Holdings;
  readonly #counts: WorkerCounts;
  /** The last attempts that ended here with a word, each by the id of its entry. */
  readonly #spoken = new Map<string, number>();
  #count = 0;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(settings: WorkerSettings<Request>, holdings: Holdings, counts: WorkerCounts) {
    this.#settings = settings;
    this.#holdings = holdings;
    this.#counts = counts;
  }

  /** Batches under way. */
  get count(): number {
    return this.#count;
  }

  /** Whether the attempt before this one ended here, and not with the end of a worker. */
  hasSpoken({ entry, attempt }: Claim): boolean {
    return this.#spoken.get(entry.id) === attempt - 1;
  }

  /** Resolves with the end of a job or of a batch, or when somebody wakes. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves when no batch is under way. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#changed.promise;
  }

  /** Never rejects. */
  async work(claims: readonly Claim[]): Promise<void> {
    this.#count += 1;
    this.#holdings.begin(claims);
    try {
      const jobs = await this.#open(claims);
      if (jobs.length > 0) await this.#handle(jobs);
    } catch (error) {
      this.#tell(error);
    }
    // What could not even be given back is left to its lease.
    this.#holdings.forget(claims);
    this.#count -= 1;
    this.wake();
  }

  // What must not run does not get as far as the handler.
  async #open(claims: readonly Claim[]): Promise<readonly (readonly [Claim, Job<Request>])[]> {
    const jobs: (readonly [Claim, Job<Request>])[] = [];
    const refusals: Promise<void>[] = [];
    let bytes = 0;
    for (const claim of claims.filter((claim) => this.#holdings.has(claim))) {
      const outcome = this.#verdictBefore(claim);
      const request = outcome === undefined ? this.#opened(claim) : undefined;
      if (outcome !== undefined) refusals.push(this.#end(claim, outcome));
      else if (request !== undefined && 'refused' in request) refusals.push(this.#end(claim, request.refused));
      else if (request !== undefined) {
        const { entry, attempt } = claim;
        jobs.push([claim, { entry, request: request.request, attempt, signal: this.#holdings.signalOf(claim) }]);
      }
      bytes += claim.entry.payload.length;
      if (bytes > OPEN_AT_ONCE_BYTES) {
        bytes = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await Promise.all(refusals);
    return jobs;
  }

  #verdictBefore({ entry, attempt }: Claim): Outcome | undefined {
    if (readClock(this.#settings.clock) >= entry.runBeforeMs)
      return { state: 'refused', reason: 'token_too_old', isUnverified: true };
    // All its attempts have ended without a word, the last one alone: it takes its worker with it. One more than allowed, since
    // somebody else may have taken the worker just when this one was to be given back.
    return attempt > this.#settings.maxAttempts + 1 ? { state: 'dead', reason: 'attempts_exhausted' } : undefined;
  }

  #opened({ entry }: Claim): { readonly request: Request } | { readonly refused: Outcome } {
    try {
      return { request: this.#settings.open(entry) };
    } catch (error) {
      this.#tell(error);
      const reason = error instanceof WatchwordError ? error.code : 'receipt_invalid';
      return { refused: { state: 'refused', reason, isUnverified: true } };
    }
  }

  async #handle(jobs: readonly (readonly [Claim, Job<Request>])[]): Promise<void> {
    const results = await this.#results(jobs.map(([, job]) => job));
    await Promise.all(
      jobs.map(async ([claim], index) => {
        try {
          await this.#conclude(claim, await results[index]!);
        } catch (error) {
          this.#tell(error);
          await this.#conclude(claim, { state: 'retry', reason: codeOf(error) });
        }
        // There is room for another one.
        this.wake();
      }),
    );
  }

  async #results(jobs: readonly Job<Request>[]): Promise<readonly (JobResult | Promise<JobResult>)[]> {
    try {
      const results = await this.#settings.handle(jobs);
      if (results.length === jobs.length) return results;
      throw new WatchwordError('internal', 'worker.handle: gave another number of results than there were jobs');
    } catch (error) {
      this.#tell(error);
      return jobs.map(() => ({ state: 'retry', reason: codeOf(error) }));
    }
  }

  async #conclude(claim: Claim, result: JobResult): Promise<void> {
    if (result.state === 'wait') return this.#wait(claim, result.afterMs);
    if (result.state !== 'retry') return this.#end(claim, result);
    if (claim.attempt >= this.#settings.maxAttempts) return this.#end(claim, { state: 'dead', reason: result.reason });
    if (!(await this.#holdings.release(claim, this.#timeAfter(claim, this.#delayFor(result.afterMs, claim.attempt))))) return;
    this.#counts.add('retried', 1);
    this.#remember(claim);
  }

  // What is known of the attempt before stays as it is: the next one has the number of this one.
  async #wait(claim: Claim, afterMs: number | undefined): Promise<void> {
    const { clock, random } = this.#settings;
    const ageMs = readClock(clock) - claim.entry.acceptedAtMs;
    const usualMs = Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, ageMs / 2)) * (0.75 + random() / 2);
    const delayMs = afterMs !== undefined && afterMs >= 0 ? afterMs : usualMs;
    if (await this.#holdings.release(claim, this.#timeAfter(claim, delayMs), true)) this.#counts.add('waited', 1);
  }

  // Not later than its last moment, so that its end is told then.
  #timeAfter({ entry }: Claim, delayMs: number): number {
    return Math.min(readClock(this.#settings.clock) + delayMs, entry.runBeforeMs);
  }

  async #end(claim: Claim, outcome: Outcome): Promise<void> {
    this.#spoken.delete(claim.entry.id);
    if (await this.#holdings.settle(claim, outcome)) this.#counts.add(outcome.state, 1);
  }

  // Whoever is forgotten runs alone for the last time: that is slower, and no harm.
  #remember({ entry, attempt }: Claim): void {
    if (this.#spoken.size === MOST_SPOKEN) this.#spoken.delete(this.#spoken.keys().next().value!);
    this.#spoken.delete(entry.id);
    this.#spoken.set(entry.id, attempt);
  }

  #delayFor(afterMs: number | undefined, attempt: number): number {
    if (afterMs !== undefined && afterMs >= 0) return afterMs;
    const { firstMs, mostMs, random } = this.#settings;
    const delayMs = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 40));
    return delayMs * (0.5 + random() / 2);
  }

  #tell(error: unknown): void {
    this.#counts.add('errors', 1);
    this.#settings.onError(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof WatchwordError ? error.code : 'internal';
}
