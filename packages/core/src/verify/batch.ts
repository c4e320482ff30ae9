/**
 * Many tokens in one call. What it saves comes from three places: tokens that stand there twice are verified once (not those that are
 * good for one use); tokens of one key come one after the other, so that a key is looked up, and fetched, once; and with
 * `checks: pooledChecks` the signatures are checked on all cores while this thread goes on.
 */
import { type WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertKnownOptions } from '../options.ts';
import { BatchRun } from './batch-run.ts';
import { Slice } from './slice.ts';
import type { VerifiedToken } from './verified-token.ts';
import type { CachedVerifier, Verifier } from './verifier.ts';

/** What became of one token: exactly one of the two is there. */
export type BatchVerdict =
  | { readonly token: VerifiedToken; readonly error?: undefined }
  | { readonly token?: undefined; readonly error: WatchwordError };

/** How much is done at a time. */
export interface BatchOptions {
  /**
   * Most verifications under way. Default 128: a thread that finds the next one waiting need not be woken for it, which a lone one spends
   * a fifth of its time on; and files and DNS, which share libuv's pool, wait a few milliseconds.
   */
  readonly concurrency?: number;
  /** Longest time in milliseconds before the event loop gets its turn. Default 5. */
  readonly sliceMs?: number;
}

/**
 * Verifies tokens; resolves with a verdict for each, in their order. Never rejects for a token: one bad token fails no other (MQ-5).
 * @param verifier plain, decorated or cached; one that was made with `checks: pooledChecks` uses all cores
 * @throws WatchwordError `config_invalid` (as a rejection)
 */
export async function verifyBatch(
  verifier: Verifier | CachedVerifier,
  tokens: readonly string[],
  options: BatchOptions = {},
): Promise<readonly BatchVerdict[]> {
  assertConfig(typeof verifier?.verify === 'function', 'batch.verifier: must be a verifier');
  assertConfig(Array.isArray(tokens), 'batch.tokens: must be an array');
  assertKnownOptions(options, ['concurrency', 'sliceMs'], 'batch');
  const concurrency = assertBetween(options.concurrency ?? 128, 1, 1024, 'batch.concurrency');
  const sliceMs = assertBetween(options.sliceMs ?? 5, 0, 1000, 'batch.sliceMs');
  // What the caller does with the list meanwhile changes nothing.
  return new BatchRun(verifier, [...tokens], Math.floor(concurrency), new Slice(sliceMs)).run();
}
