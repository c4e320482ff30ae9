/**
 * Checks signatures in threads of their own, in chunks: for batches. The calling thread has half the work of `pooledChecks` between two
 * turns of its event loop; a batch is not done sooner (`npm run bench:batch`: 0.82 to 0.93 times as fast as in libuv's pool).
 */
import { availableParallelism } from 'node:os';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import { CheckThreads, type ThreadedChecksStats } from './check-threads.ts';
import { prepareCheck } from './signature.ts';
import type { SignatureChecks } from './signature-checks.ts';

/** How many threads. */
export interface ThreadedChecksOptions {
  /** Most threads. Default: the cores, at most 8. */
  readonly threads?: number;
  /** Monotonic time in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** Checks in threads. */
export interface ThreadedChecks extends SignatureChecks {
  stats(): ThreadedChecksStats;
  /** Ends the threads. What they have, and whatever comes later, is checked in libuv's pool. */
  close(): Promise<void>;
}

/** More could not be kept busy by one thread. */
const MOST_THREADS = 8;

/**
 * Makes checks for the option `checks` of a verifier; one object for all verifiers of a thread. Threads are started with the first
 * check and stay; they keep no process alive unless somebody waits for them. Until one is up, and after one was lost, libuv's pool does
 * what they would have done. Whoever uses it bounds how many checks are under way; `verifyBatch` does. HMAC stays on this thread.
 * @throws WatchwordError `config_invalid`
 */
export function createThreadedChecks(options: ThreadedChecksOptions = {}): ThreadedChecks {
  assertKnownOptions(options, ['threads', 'now'], 'threaded');
  const { threads = Math.min(MOST_THREADS, availableParallelism()), now = () => performance.now() } = options;
  const most = Math.floor(assertBetween(threads, 1, 64, 'threaded.threads'));
  const pool = new CheckThreads({ most, now: assertFunction(now, 'threaded.now') });
  return {
    check({ signingInput, signature }, key) {
      const check = prepareCheck(signingInput, signature, key);
      return typeof check === 'boolean' ? check : pool.check(check, key);
    },
    stats: () => pool.stats(),
    close: () => pool.close(),
  };
}
