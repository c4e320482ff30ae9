/** The worker of one thread: takes jobs from the queue, and does them by the rules that are in force when they run. */
import type { Clock } from '@watchword/core';
import { type DeferredRequest, type Worker, type WorkerQueue, createWorker } from '@watchword/deferred';
import type { DeferredConfig } from '../config/sections/deferred.ts';
import type { Logger } from '../logger.ts';
import type { Deferral } from './deferral.ts';

/** What the worker asks. */
export interface RunJobsOptions {
  readonly section: DeferredConfig;
  /** What is in force now, and what keeps it until it is called. */
  readonly current: () => { readonly deferral: Deferral | undefined; hold(): () => void };
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
}

/** Most jobs that are claimed at a time. */
const BATCH = 64;

/** Starts it; undefined when this process accepts only. */
export function runJobs({ section, current, logger, clock }: RunJobsOptions): Worker | undefined {
  const { concurrency, leaseSeconds, maxAttempts } = section.worker;
  let latest = current().deferral;
  if (concurrency === 0 || latest === undefined) return undefined;
  // A reload may bring other keys for receipts and another password for the queue: each question goes to those in force.
  const store = (): Deferral => (latest = current().deferral ?? latest!);
  return createWorker<DeferredRequest>({
    queue: queueOf(store),
    open: (entry) => store().receipts.open(entry),
    handle: async (jobs) => {
      const { deferral, hold } = current();
      // Never by rules of earlier: with no issuer left there is nobody to trust.
      if (deferral === undefined) return jobs.map(() => ({ state: 'wait', reason: 'queue_unavailable' }));
      return deferral.work(jobs).map((result) => result.finally(hold()));
    },
    concurrency: Math.ceil(concurrency / BATCH),
    batch: Math.min(concurrency, BATCH),
    leaseMs: leaseSeconds * 1000,
    maxAttempts: Math.max(2, maxAttempts),
    ...(clock === undefined ? {} : { clock }),
    // Codes only: what a store or an upstream says could hold anything (E12).
    onError: (error) => logger.warn({ code: (error as { code?: unknown }).code ?? 'internal' }, 'deferred work failed'),
  });
}

// What was claimed of one can be settled with the other: it is the same store, opened anew.
function queueOf(store: () => Deferral): WorkerQueue {
  return {
    claim: async (...question) => store().queue.claim(...question),
    extend: async (...question) => store().queue.extend(...question),
    settle: async (...question) => store().queue.settle(...question),
    release: async (...question) => store().queue.release(...question),
  };
}
