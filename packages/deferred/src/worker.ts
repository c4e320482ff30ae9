/** Whoever does what was accepted: claims, keeps what it works on, settles, gives back; a message that kills it ends as a dead letter. */
import { type Clock, type Random, type Schedule, systemClock, systemSchedule } from '@watchword/core';
import { assertBetween, assertFunction, assertKnownOptions, assertWhole } from './entry-rules.ts';
import type { NewEntry, Outcome, Queue } from './queue.ts';
import { WorkerEngine } from './worker/engine.ts';
import type { WorkerStats } from './worker/worker-stats.ts';

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
  | { readonly state: 'retry'; readonly reason: string; readonly afterMs?: number }
  /**
   * Nothing was done, and the entry is not to blame: it goes back as it was, and comes again until it is too old. No attempt is used
   * up. `afterMs`: default half of its age, from 1 s to 1 min. `reason` is an error code.
   */
  | { readonly state: 'wait'; readonly reason: string; readonly afterMs?: number };

/** What a worker asks of a queue. */
export type WorkerQueue = Pick<Queue, 'claim' | 'extend' | 'settle' | 'release'>;

/** What a worker is made of. */
export interface WorkerOptions<Request> {
  readonly queue: WorkerQueue;
  /** Checks the receipt. What it throws refuses the entry: with the code of a WatchwordError, or `receipt_invalid`. */
  readonly open: (entry: NewEntry) => Request;
  /**
   * Verifies, authorizes and does a batch. A result for each job, in their order, each of them at once or as a promise: a slow one
   * keeps no other waiting. What throws is a retry, of one job or of the batch.
   */
  readonly handle: (jobs: readonly Job<Request>[]) => Promise<readonly (JobResult | Promise<JobResult>)[]>;
  /** Names the worker to the queue. Default `worker`. */
  readonly name?: string;
  /** Batches at a time: so many times `batch` entries, whichever they came with. Default 2. */
  readonly concurrency?: number;
  /** Entries in a batch, at most. Default 64. */
  readonly batch?: number;
  /** Kept up for as long as the work takes; so long after a crash somebody else goes on. Default 30,000. */
  readonly leaseMs?: number;
  /**
   * How often an entry is tried before it is a dead letter, at least 2; the last time alone, unless the time before ended with a
   * result in this worker, and, when that ended with the end of the worker, once more. Default 8.
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
  const engine = new WorkerEngine<Request>({
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

function harmless(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    try {
      onError(error);
    } catch {}
  };
}
