/** Checks signatures on this thread while they are few, and in libuv's thread pool when they become many. */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import { type Schedule, systemSchedule } from '../revocation/schedule.ts';
import { CheckQueue, type CheckQueueLimits } from './check-queue.ts';
import { InlineBudget } from './inline-budget.ts';
import { verifySignature, verifySignatureLater } from './signature.ts';
import type { SignatureChecks } from './signature-checks.ts';

/** How much work goes where. */
export interface AdaptiveChecksOptions {
  /** Most milliseconds of each 10 that checks may take on this thread. Default 0.5; 0: none. */
  readonly inlineBudgetMs?: number;
  /**
   * Most checks in the pool at a time. Default: the cores less one, which stays this thread's, and at most the pool's threads less
   * one, which stays for files and DNS. More would only take turns with this thread, and with it all cached tokens; so the pool is
   * used as a whole, less that thread, only in a burst, which then is over sooner. A number given here holds for bursts too.
   */
  readonly concurrency?: number;
  /** Most checks that wait for the pool. Default 1024. */
  readonly maxWaiting?: number;
  /** Longest time until there is an answer, in milliseconds, when more comes for long than is checked. Default 250. */
  readonly maxWaitMs?: number;
  /**
   * Time that a burst has, in milliseconds, from when nobody waited until all of it is answered: after a start, or an outage, many new
   * tokens come at once, and not again. 0: bursts have `maxWaitMs` like everybody. Default 2000.
   */
  readonly burstMs?: number;
  /** Monotonic time in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
  readonly schedule?: Schedule;
}

/** Counters since the start, and what is under way. */
export interface AdaptiveChecksStats {
  /** Checked on this thread. */
  readonly inline: number;
  /** Given to the pool. */
  readonly pooled: number;
  /** Refused with `overloaded`. */
  readonly shed: number;
  /** In the pool now. */
  readonly running: number;
  /** Waiting for it now. */
  readonly waiting: number;
}

/** Checks that get out of the way of everything else. */
export interface AdaptiveChecks extends SignatureChecks {
  stats(): AdaptiveChecksStats;
}

/**
 * Makes checks for the option `checks` of a verifier; one object for all verifiers of a thread, since they share the pool. Beyond
 * `maxWaiting`, or `maxWaitMs` (a burst: `burstMs`), a check is refused with `overloaded` (503), until the queue is shorter again.
 * HMAC never waits.
 * @throws WatchwordError `config_invalid`
 */
export function createAdaptiveChecks(options: AdaptiveChecksOptions = {}): AdaptiveChecks {
  const { budget, queue } = readOptions(options);
  let inline = 0;
  return {
    check({ signingInput, signature }, key) {
      const isCheap = key.algorithm.kty === 'oct';
      // Nobody overtakes those who wait.
      if (!isCheap && (queue.isWaiting || !budget.isLeft()))
        return queue.add(() => verifySignatureLater(signingInput, signature, key));
      inline += 1;
      return budget.spend(() => verifySignature(signingInput, signature, key));
    },
    stats() {
      const { started, ...counts } = queue.counts;
      return { inline, pooled: started, ...counts };
    },
  };
}

const OPTIONS = ['inlineBudgetMs', 'concurrency', 'maxWaiting', 'maxWaitMs', 'burstMs', 'now', 'schedule'];

function readOptions(options: AdaptiveChecksOptions): { readonly budget: InlineBudget; readonly queue: CheckQueue } {
  assertKnownOptions(options, OPTIONS, 'adaptive');
  const { inlineBudgetMs = 0.5, maxWaiting = 1024, maxWaitMs = 250, burstMs = 2000 } = options;
  const { now = () => performance.now(), schedule = systemSchedule } = options;
  const limits = {
    ...readConcurrency(options.concurrency),
    maxWaiting: Math.floor(assertBetween(maxWaiting, 1, 1_000_000, 'adaptive.maxWaiting')),
    maxWaitMs: assertBetween(maxWaitMs, 1, 60_000, 'adaptive.maxWaitMs'),
    burstMs: assertBetween(burstMs, 0, 60_000, 'adaptive.burstMs'),
  };
  const budgetMs = assertBetween(inlineBudgetMs, 0, 10, 'adaptive.inlineBudgetMs');
  assertFunction(now, 'adaptive.now');
  assertFunction(schedule, 'adaptive.schedule');
  return { budget: new InlineBudget(budgetMs, now), queue: new CheckQueue(limits, now, schedule) };
}

function readConcurrency(asked: number | undefined): Pick<CheckQueueLimits, 'concurrency' | 'burstConcurrency'> {
  if (asked !== undefined) {
    const concurrency = Math.floor(assertBetween(asked, 1, 1024, 'adaptive.concurrency'));
    return { concurrency, burstConcurrency: concurrency };
  }
  const burstConcurrency = Math.max(1, poolThreads() - 1);
  return { concurrency: Math.max(1, Math.min(availableParallelism() - 1, burstConcurrency)), burstConcurrency };
}

const POOL_THREADS = 4;

function poolThreads(): number {
  const asked = Number(process.env.UV_THREADPOOL_SIZE ?? POOL_THREADS);
  return Number.isFinite(asked) && asked >= 1 ? Math.floor(asked) : POOL_THREADS;
}
