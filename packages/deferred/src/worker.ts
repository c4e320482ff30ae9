/** Whoever does what was accepted: claims, keeps what it works on, settles, gives back; a message that kills it ends as a dead letter. */
import { type Clock, type Random, type Schedule, WatchwordError, readClock, systemClock, systemSchedule } from '@watchword/core';
import { assertBetween, assertFunction, assertKnownOptions, assertWhole } from './entry-rules.ts';
import type { Claim, NewEntry, Outcome, Queue } from './queue.ts';
import { Holdings } from './worker/holdings.ts';
import { patiently } from './worker/patience.ts';
import { WorkerCounts, type WorkerStats } from './worker/worker-stats.ts';

/** An entry to be worked on. */
export interface Job<Request> {
  readonly entry: NewEntry;
  /** What `open` made of it. */
  readonly request: Request;
  /** 1: the first time. Towards the upstream `entry.id` is the same each time. */
  readonly attempt: number;
  /** Aborted when the entry is lost to another worker, or when this one has to stop: what is still done then may be done twice. */
  readonly signal: AbortSignal;
}

/** How a job went. */
export type JobResult =
  | Outcome
  /** To be tried again, as often as `maxAttempts` says; `afterMs` instead of the usual back-off. `reason` is an error code. */
  | { readonly state: 'retry'; readonly reason: string; readonly afterMs?: number };

/** What a worker is made of. */
export interface WorkerOptions<Request> {
  readonly queue: Queue;
  /** Checks the receipt. What it throws refuses the entry: with the code of a WatchwordError, or `receipt_invalid`. */
  readonly open: (entry: NewEntry) => Request;
  /**
   * Verifies, authorizes and does a batch. A result for each job, in their order, each of them at once or as a promise: a slow one
   * keeps no other waiting. What throws is a retry, of one job or of the batch.
   */
  readonly handle: (jobs: readonly Job<Request>[]) => Promise<readonly (JobResult | Promise<JobResult>)[]>;
  /** Names the worker to the queue. Default `worker`. */
  readonly name?: string;
  /** Batches at a time. Default 2. */
  readonly concurrency?: number;
  /** Entries in a batch, at most. Default 64. */
  readonly batch?: number;
  /** Kept up for as long as the work takes; so long after a crash somebody else goes on. Default 30,000. */
  readonly leaseMs?: number;
  /**
   * How often an entry is tried before it is a dead letter, at least 2; the last time alone, and, when that ended with the end of
   * the worker, once more. Default 8.
   */
  readonly maxAttempts?: number;
  /** Default: 1 s, doubled with each attempt, up to 5 minutes; of that a random part, from half to all. */
  readonly backoff?: { readonly firstMs?: number; readonly mostMs?: number };
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  readonly random?: Random;
  /** Is told what the queue or a handler has thrown. The worker goes on. */
  readonly onError?: (error: unknown) => void;
}

/** A running worker. */
export interface Worker {
  stats(): WorkerStats;
  /**
   * Claims nothing more and finishes what it has. After `graceMs`, by default 10 s, it aborts the rest and gives it back.
   * Resolves when this worker holds nothing.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Starts a worker. @throws WatchwordError `config_invalid` */
export function createWorker<Request>(options: WorkerOptions<Request>): Worker {
  assertKnownOptions(
    options,
    [
      'queue',
      'open',
      'handle',
      'name',
      'concurrency',
      'batch',
      'leaseMs',
      'maxAttempts',
      'backoff',
      'clock',
      'schedule',
      'random',
      'onError',
    ],
    'worker',
  );
  const { backoff = {}, name = 'worker', concurrency = 2, batch = 64, leaseMs = 30_000, maxAttempts = 8 } = options;
  assertKnownOptions(backoff, ['firstMs', 'mostMs'], 'worker.backoff');
  const { firstMs = 1000, mostMs = 300_000 } = backoff;
  const engine = new Engine<Request>({
    queue: options.queue,
    name,
    open: assertFunction(options.open, 'worker.open'),
    handle: assertFunction(options.handle, 'worker.handle'),
    concurrency: assertWhole(concurrency, 1, 1000, 'worker.concurrency'),
    batch: assertWhole(batch, 1, 1000, 'worker.batch'),
    leaseMs: assertBetween(leaseMs, 100, 3_600_000, 'worker.leaseMs'),
    maxAttempts: assertWhole(maxAttempts, 2, 1000, 'worker.maxAttempts'),
    firstMs: assertBetween(firstMs, 1, 86_400_000, 'worker.backoff.firstMs'),
    mostMs: assertBetween(mostMs, firstMs, 86_400_000, 'worker.backoff.mostMs'),
    clock: assertFunction(options.clock ?? systemClock, 'worker.clock'),
    schedule: assertFunction(options.schedule ?? systemSchedule, 'worker.schedule'),
    random: assertFunction(options.random ?? Math.random, 'worker.random'),
    onError: harmless(assertFunction(options.onError ?? (() => {}), 'worker.onError')),
  });
  engine.start();
  return engine;
}

type Settings<Request> = Required<Omit<WorkerOptions<Request>, 'backoff'>> & {
  readonly firstMs: number;
  readonly mostMs: number;
};

/** How long one question for work waits. */
const CLAIM_WAIT_MS = 1000;
/** Bytes of payloads opened in one turn of the event loop. */
const OPEN_AT_ONCE_BYTES = 2 ** 20;

class Engine<Request> implements Worker {
  readonly #settings: Settings<Request>;
  readonly #counts = new WorkerCounts();
  readonly #holdings: Holdings;
  /** There are suspects: one entry at a time is claimed, and runs alone. */
  #isCautious = false;
  #batches = 0;
  readonly #stopping = new AbortController();
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();
  #running: Promise<void> = Promise.resolve();
  #claiming: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings<Request>) {
    this.#settings = settings;
    this.#holdings = new Holdings(settings, this.#counts);
  }

  start(): void {
    this.#running = this.#run();
    this.#holdings.keep();
  }

  stats(): WorkerStats {
    return this.#counts.read(this.#holdings.size);
  }

  async stop({ graceMs = 10_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopping.abort();
    this.#change();
    const grace = Promise.withResolvers<void>();
    const cancel = this.#settings.schedule(grace.resolve, graceMs, true);
    await Promise.race([grace.promise, this.#running.then(() => this.#idle())]);
    cancel();
    await this.#holdings.giveBack();
    await this.#claiming;
    this.#holdings.end();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.#batches >= (this.#isCautious ? 1 : this.#settings.concurrency)) {
        await this.#changed.promise;
      } else {
        const claiming = this.#claim();
        this.#claiming = claiming;
        await this.#begin(await claiming);
      }
    }
  }

  /**
   * An entry on its last attempts is a suspect: it may be what kills its worker. So it runs alone, and takes nobody with it. Those
   * that would only stand by are given back at once, so that they are not counted out when another one takes the worker with it.
   */
  async #begin(claims: readonly Claim[]): Promise<void> {
    const isSuspect = ({ attempt }: Claim): boolean => attempt >= this.#settings.maxAttempts;
    const suspects = claims.filter(isSuspect);
    if (suspects.length > 0 && (claims.length > 1 || this.#batches > 0)) {
      await this.#holdings.giveBack(suspects);
      this.#isCautious = true;
    } else {
      this.#isCautious = suspects.length > 0;
    }
    const rest = this.#isCautious && claims.length === 1 ? claims : claims.filter((claim) => !isSuspect(claim));
    if (rest.length > 0) void this.#work(rest.filter((claim) => this.#holdings.has(claim)));
  }

  async #claim(): Promise<readonly Claim[]> {
    const { queue, name, batch, leaseMs } = this.#settings;
    const claims = await patiently(
      this.#settings,
      () => queue.claim(name, this.#isCautious ? 1 : batch, { leaseMs, waitMs: CLAIM_WAIT_MS, signal: this.#stopping.signal }),
      {
        isOver: () => this.#stopping.signal.aborted,
        isTemporary: () => true,
      },
    );
    if (claims === undefined) return [];
    this.#counts.add('claimed', claims.length);
    this.#holdings.take(claims);
    if (!this.#stopping.signal.aborted) return claims;
    await this.#holdings.giveBack(claims);
    return [];
  }

  async #work(claims: readonly Claim[]): Promise<void> {
    this.#batches += 1;
    this.#holdings.begin(claims);
    try {
      const jobs = await this.#open(claims);
      if (jobs.length > 0) await this.#handle(jobs);
    } catch (error) {
      this.#tell(error);
    }
    // What could not even be given back is left to its lease.
    this.#holdings.forget(claims);
    this.#batches -= 1;
    this.#change();
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
    if (readClock(this.#settings.clock) >= entry.runBeforeMs) return { state: 'refused', reason: 'token_too_old' };
    // All its attempts have ended without a word, the last one alone: it takes its worker with it. One more than allowed, since
    // somebody else may have taken the worker just when this one was to be given back.
    return attempt > this.#settings.maxAttempts + 1 ? { state: 'dead', reason: 'attempts_exhausted' } : undefined;
  }

  #opened({ entry }: Claim): { readonly request: Request } | { readonly refused: Outcome } {
    try {
      return { request: this.#settings.open(entry) };
    } catch (error) {
      this.#tell(error);
      return { refused: { state: 'refused', reason: error instanceof WatchwordError ? error.code : 'receipt_invalid' } };
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
    if (result.state !== 'retry') return this.#end(claim, result);
    if (claim.attempt >= this.#settings.maxAttempts) return this.#end(claim, { state: 'dead', reason: result.reason });
    const nowMs = readClock(this.#settings.clock);
    // Not later than its last moment, so that its end is told then.
    const notBeforeMs = Math.min(nowMs + this.#delayFor(result.afterMs, claim.attempt), claim.entry.runBeforeMs);
    if (await this.#holdings.release(claim, notBeforeMs)) this.#counts.add('retried', 1);
  }

  async #end(claim: Claim, outcome: Outcome): Promise<void> {
    if (await this.#holdings.settle(claim, outcome)) this.#counts.add(outcome.state, 1);
  }

  #delayFor(afterMs: number | undefined, attempt: number): number {
    if (afterMs !== undefined && afterMs >= 0) return afterMs;
    const { firstMs, mostMs, random } = this.#settings;
    const delayMs = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 40));
    return delayMs * (0.5 + random() / 2);
  }

  /** When no batch is under way. */
  async #idle(): Promise<void> {
    while (this.#batches > 0) await this.#changed.promise;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #tell(error: unknown): void {
    this.#counts.add('errors', 1);
    this.#settings.onError(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof WatchwordError ? error.code : 'internal';
}

function harmless(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    try {
      onError(error);
    } catch {}
  };
}
