/** Jobs that carry the caller. */
import type { MessagePropagator } from '@watchword/core';
import type { BulkJobOptions, Job, JobsOptions, Queue } from 'bullmq';
import { withHeaders } from './headers.ts';

/** A job of a bulk. */
export interface BulkJob<Data> {
  readonly name: string;
  readonly data: Data;
  readonly opts?: BulkJobOptions;
}

/** The adding side of a queue. */
export interface CarryingQueue<Data, Result> {
  add(name: string, data: Data, options?: JobsOptions): Promise<Job<Data, Result>>;
  addBulk(jobs: readonly BulkJob<Data>[]): Promise<Job<Data, Result>[]>;
}

/**
 * Wraps a queue. The caller is the one in whose context a job is added; it rejects with `context_lost` for a listed queue where nobody
 * said on whose behalf. Not for job schedulers: what they add is nobody's.
 */
export function propagate<Data, Result>(queue: Queue<Data, Result>, propagator: MessagePropagator): CarryingQueue<Data, Result> {
  // The types of BullMQ take names and data apart again.
  const target = queue as unknown as CarryingQueue<Data, Result> & { readonly name: string };
  return {
    add: async (name, data, options) => target.add(name, data, await identityOptions(propagator, target.name, options)),
    async addBulk(jobs) {
      const stamp = async (job: BulkJob<Data>): Promise<BulkJob<Data>> => ({
        ...job,
        opts: await identityOptions(propagator, target.name, job.opts),
      });
      return target.addBulk(await Promise.all(jobs.map(stamp)));
    },
  };
}

/**
 * The options for a job of a queue: those given, without headers that look like ours, and the caller's. For flows and whatever else
 * takes options of jobs.
 * @throws WatchwordError (as a rejection) `context_lost`; why there is no voucher
 */
export async function identityOptions<Options extends object = JobsOptions>(
  propagator: MessagePropagator,
  queue: string,
  options?: Options,
): Promise<Options> {
  const identity = await propagator.headerFor(queue);
  return withHeaders(options, identity === undefined ? {} : { [identity.name]: identity.value });
}
