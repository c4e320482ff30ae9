/**
 * Many tokens in one call. What it saves comes from three places: tokens that stand there twice are verified once (not those that are
 * good for one use); tokens of one key come one after the other, so that a key is looked up, and fetched, once; and with
 * `checks: pooledChecks` the signatures are checked on all cores while this thread goes on.
 */
import { type WatchwordError, assertConfig, toWatchwordError } from '../errors.ts';
import { assertBetween, assertKnownOptions } from '../options.ts';
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
  const slice = new Slice(sliceMs);
  // What the caller does with the list meanwhile changes nothing.
  const asked = [...tokens];
  const groups = await groupByHeader(asked, slice);
  const verdicts = await verifyGroups(verifier, groups, Math.floor(concurrency), slice);
  return placeVerdicts(verifier, asked, verdicts, slice);
}

// Tokens with one header segment have one key: alg and kid stand there. Whatever is no token makes a group of its own kind.
async function groupByHeader(tokens: readonly string[], slice: Slice): Promise<readonly (readonly string[])[]> {
  const seen = new Set<string>();
  const groups = new Map<string, string[]>();
  for (const token of tokens) {
    const rest = slice.rest();
    if (rest !== undefined) await rest;
    if (seen.has(token)) continue;
    seen.add(token);
    const header = typeof token === 'string' ? token.slice(0, Math.max(0, token.indexOf('.'))) : '';
    const group = groups.get(header);
    if (group === undefined) groups.set(header, [token]);
    else group.push(token);
  }
  return [...groups.values()];
}

// What stands in several places shares a verdict where a cache could have kept it: not that of a token which is good for one use.
async function placeVerdicts(
  verifier: Verifier | CachedVerifier,
  tokens: readonly string[],
  verdicts: ReadonlyMap<string, BatchVerdict>,
  slice: Slice,
): Promise<readonly BatchVerdict[]> {
  const placed = new Set<string>();
  const results: BatchVerdict[] = [];
  for (const token of tokens) {
    const rest = slice.rest();
    if (rest !== undefined) await rest;
    const verdict = verdicts.get(token)!;
    const isGiven = !placed.has(token) || mayShare(verifier, verdict);
    placed.add(token);
    results.push(isGiven ? verdict : await judge(verifier, token));
  }
  return results;
}

function mayShare(verifier: Verifier, { token }: BatchVerdict): boolean {
  try {
    return token === undefined || verifier.holds(token);
  } catch {
    return false;
  }
}

// The first of each group goes ahead: when it is done, its key is known, or known not to be there. A key that takes long to come
// holds up its own group only.
function verifyGroups(
  verifier: Verifier | CachedVerifier,
  groups: readonly (readonly string[])[],
  concurrency: number,
  slice: Slice,
): Promise<ReadonlyMap<string, BatchVerdict>> {
  const verdicts = new Map<string, BatchVerdict>();
  const { promise, resolve } = Promise.withResolvers<typeof verdicts>();
  const followers = new Map(groups.map(([first, ...others]) => [first!, others]));
  const ready = [...followers.keys()];
  let next = 0;
  let workers = 0;
  const work = async (): Promise<void> => {
    while (next < ready.length) {
      const token = ready[next]!;
      next += 1;
      verdicts.set(token, await judge(verifier, token));
      for (const other of followers.get(token) ?? []) ready.push(other);
      if (followers.delete(token)) hire();
      const rest = slice.rest();
      if (rest !== undefined) await rest;
    }
    workers -= 1;
    // Who still has followers is in the hands of somebody else.
    if (workers === 0) resolve(verdicts);
  };
  const hire = (): void => {
    for (let idle = ready.length - next; idle > 0 && workers < concurrency; idle -= 1) {
      workers += 1;
      void work();
    }
  };
  hire();
  if (groups.length === 0) resolve(verdicts);
  return promise;
}

async function judge(verifier: Verifier | CachedVerifier, token: string): Promise<BatchVerdict> {
  try {
    const known = 'recall' in verifier ? verifier.recall(token) : undefined;
    return { token: known ?? (await verifier.verify(token)) };
  } catch (thrown) {
    return { error: toWatchwordError(thrown) };
  }
}
