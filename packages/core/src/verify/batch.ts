/**
 * Many tokens in one call. What it saves comes from three places: tokens that stand there twice are verified once; tokens of one key
 * come one after the other, so that a key is looked up, and fetched, once; and with `checks: pooledChecks` the signatures are checked
 * on all cores while this thread goes on.
 */
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { type WatchwordError, assertConfig, toWatchwordError } from '../errors.ts';
import { assertBetween, assertKnownOptions } from '../options.ts';
import type { VerifiedToken } from './verified-token.ts';
import type { CachedVerifier, Verifier } from './verifier.ts';

/** What became of one token: exactly one of the two is there. */
export type BatchVerdict =
  | { readonly token: VerifiedToken; readonly error?: undefined }
  | { readonly token?: undefined; readonly error: WatchwordError };

/** How much is done at a time. */
export interface BatchOptions {
  /** Most verifications under way. Default: twice the cores, so that none waits for this thread. */
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
  const concurrency = assertBetween(options.concurrency ?? 2 * availableParallelism(), 1, 1024, 'batch.concurrency');
  const sliceMs = assertBetween(options.sliceMs ?? 5, 0, 1000, 'batch.sliceMs');
  const verdicts = new Map<string, BatchVerdict>();
  for (const group of groupByHeader(tokens)) await verifyGroup(verifier, group, verdicts, Math.floor(concurrency), sliceMs);
  return tokens.map((token) => verdicts.get(token)!);
}

// Tokens with one header segment have one key: alg and kid stand there. Whatever is no token makes a group of its own kind.
function groupByHeader(tokens: readonly string[]): Iterable<readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const token of new Set(tokens)) {
    const header = typeof token === 'string' ? token.slice(0, Math.max(0, token.indexOf('.'))) : '';
    const group = groups.get(header);
    if (group === undefined) groups.set(header, [token]);
    else group.push(token);
  }
  return groups.values();
}

// The first one goes ahead: when it is done, the key is known, or known not to be there.
async function verifyGroup(
  verifier: Verifier | CachedVerifier,
  [first, ...others]: readonly string[],
  verdicts: Map<string, BatchVerdict>,
  concurrency: number,
  sliceMs: number,
): Promise<void> {
  const slice = new Slice(sliceMs);
  verdicts.set(first!, await judge(verifier, first!));
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < others.length) {
      const token = others[next]!;
      next += 1;
      verdicts.set(token, await judge(verifier, token));
      await slice.rest();
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, others.length) }, work));
}

async function judge(verifier: Verifier | CachedVerifier, token: string): Promise<BatchVerdict> {
  try {
    const known = 'recall' in verifier ? verifier.recall(token) : undefined;
    return { token: known ?? (await verifier.verify(token)) };
  } catch (thrown) {
    return { error: toWatchwordError(thrown) };
  }
}

/** Lets the event loop have its turn after a while, for all that work at a time. */
class Slice {
  readonly #milliseconds: number;
  #endsAtMs: number;
  #resting: Promise<void> | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.#endsAtMs = performance.now() + milliseconds;
  }

  /** Returns at once, or after a turn of the event loop. */
  rest(): Promise<void> | undefined {
    if (this.#resting === undefined && performance.now() >= this.#endsAtMs) this.#resting = this.#restOnce();
    return this.#resting;
  }

  async #restOnce(): Promise<void> {
    await setImmediate();
    this.#resting = undefined;
    this.#endsAtMs = performance.now() + this.#milliseconds;
  }
}
