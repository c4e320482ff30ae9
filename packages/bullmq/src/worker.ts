/** Processors of BullMQ workers that run as the caller of each job, verified before they are entered (MQ-5). */
import { type Identity, type MessageGuard, type Settlement, fromMessageHeaders } from '@watchword/core';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { type WithHeaders, headersOf, withHeaders } from './headers.ts';

/** What a processor gets: the job without our headers, its lock, and whose it is; undefined where the queue is public. */
export type JobHandler<Data, Result> = (
  job: Job<Data, Result>,
  token: string | undefined,
  identity: Identity | undefined,
) => Promise<Result> | Result;

/**
 * Makes what `new Worker(queue, processor)` takes. Rules and vouchers go by the name of the queue.
 *
 * A job that is refused fails for good, with the reason (`txn_expired`, ...) as its `failedReason`: the failed jobs are BullMQ's dead
 * letters. During an outage of keys or token service a job is delayed, which costs none of its attempts. How often a job is tried whose
 * processor fails is its own `attempts`, at most `maxDeliveries` of the guard.
 */
export function guardJobs<Data, Result>(
  guard: MessageGuard,
  handler: JobHandler<Data, Result>,
): (job: Job<Data, Result>, token?: string) => Promise<Result> {
  return async (job, token) => {
    const headers = fromMessageHeaders(Object.entries(headersOf(job.opts)));
    hideHeaders(job);
    const { attempts = 1 } = job.opts;
    const isLast = job.attemptsMade + 1 >= attempts;
    // A start that ended as a delay was no attempt: an outage before takes none of the retries that a processor has.
    const attempt = job.attemptsMade + 1;
    const delivered = { topic: job.queueName, headers, delivery: job.attemptsStarted, attempt, isLast };
    const settlement = await guard.handle(delivered, (identity) => handler(job, token, identity));
    return conclude(job, token, settlement);
  };
}

async function conclude<Data, Result>(
  job: Job<Data, Result>,
  token: string | undefined,
  settlement: Settlement,
): Promise<Result> {
  if (settlement.action === 'done') return settlement.result as Result;
  const { stage, action, error, reason } = settlement;
  if (stage === 'admission' && action === 'retry') {
    await job.moveToDelayed(Date.now() + settlement.delayMs, token);
    throw new DelayedError();
  }
  if (stage === 'admission') throw new UnrecoverableError(reason);
  // Its own attempts and back-off decide, up to the limit of the guard.
  if (action === 'dead-letter' && !(error instanceof UnrecoverableError)) throw final(error);
  throw error;
}

function final(error: unknown): UnrecoverableError {
  return Object.assign(new UnrecoverableError(error instanceof Error ? error.message : 'The processor failed'), { cause: error });
}

// So that the processor cannot copy them, nor show them where jobs are shown. What is stored stays, for the next attempt.
function hideHeaders(job: Job): void {
  const { headers } = withHeaders(job.opts, {}) as WithHeaders;
  const options: WithHeaders = job.opts as WithHeaders;
  if (headers === undefined) delete options.headers;
  else options.headers = headers;
}
