/** The worker of one thread: takes jobs from the queue, and does them by the rules that are in force when they run. */
import type { Clock } from '@watchword/core';
import { type DeferredRequest, type Worker, createWorker } from '@watchword/deferred';
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
  const { deferral } = current();
  if (concurrency === 0 || deferral === undefined) return undefined;
  return createWorker<DeferredRequest>({
    queue: deferral.queue,
    open: (entry) => deferral.receipts.open(entry),
    handle: async (jobs) => {
      const { deferral: inForce, hold } = current();
      return inForce!.work(jobs).map((result) => result.finally(hold()));
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
