/** The process in which a cache is measured: one question each, so that no heap has seen another measurement. */
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type SignedToken,
  type VerificationCache,
  type VerifiedToken,
  type Verifier,
  createCachedVerifier,
  createKnownBadMemory,
  createVerificationKey,
  inlineChecks,
} from '@watchword/core';
import { serve } from '../process/worker.ts';
import { median } from '../statistics.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { randomOrder } from '../tokens/random-order.ts';
import { signToken } from '../tokens/sign-token.ts';
import { PackedTokens, junkOf } from './packed-tokens.ts';

/** Hits of one number of cached tokens. */
export interface HitResult {
  readonly tokens: number;
  /** Median over the batches, in nanoseconds. */
  readonly hitNs: number;
  /** The same, and the subject is read: what a hit leaves in cold memory is paid for by its first reader. */
  readonly readNs: number;
  readonly fillMicros: number;
  /** The longest single verification while filling: growth of the table, or the garbage collector. */
  readonly longestMs: number;
  /** The same in time of the thread: on a busy machine the clock tells of others' work. */
  readonly longestCpuMs: number;
  /** Heap and flat arrays, collected before and after, for each token. */
  readonly bytes: number;
  readonly estimatedBytes: number;
  readonly rssBytes: number;
}

/** A flood of junk. */
export interface FloodResult {
  readonly junk: number;
  readonly hitRateBefore: number;
  readonly hitRateDuring: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** One bad token, seen before. */
export interface KnownBadResult {
  readonly checkNs: number;
  readonly knownNs: number;
}

serve({ hits: measureHits, flood: measureFlood, knownBad: measureKnownBad });

/** Strings at a time: they fit the nearest memory, where a token that was just read from a socket is. */
const BATCH = 64;

async function measureHits({ tokens: count, batches }: { tokens: number; batches: number }): Promise<HitResult> {
  const tokens = new PackedTokens(count);
  const verifier = tokens.verifier();
  await fill(verifier, tokens, 2000);
  const [before, rssBefore] = [memory(), process.memoryUsage.rss()];
  const cache = createCachedVerifier(verifier, { maxEntries: count, maxBytes: 2 ** 40 });
  const start = performance.now();
  const longest = await fill(cache, tokens, count);
  const fillMicros = ((performance.now() - start) * 1000) / count;
  const bytes = (memory() - before) / count;
  const rssBytes = (process.memoryUsage.rss() - rssBefore) / count;
  await turn();
  timeBatches(cache, tokens, batches);
  const hitNs = median(timeBatches(cache, tokens, batches));
  timeBatches(cache, tokens, batches / 4, isOfSomebody);
  const readNs = median(timeBatches(cache, tokens, batches, isOfSomebody));
  const { misses, bytes: estimate } = cache.stats();
  if (misses !== count) throw new Error('The cache could not answer every call');
  return { tokens: count, hitNs, readNs, fillMicros, ...longest, bytes, estimatedBytes: estimate / count, rssBytes };
}

type Longest = Pick<HitResult, 'longestMs' | 'longestCpuMs'>;

async function fill(verifier: Verifier, tokens: PackedTokens, most: number): Promise<Longest> {
  let [longestMs, longestCpuMs] = [0, 0];
  for (let index = 0; index < Math.min(most, tokens.count); index += 1) {
    const token = tokens.text(index);
    const [start, cpu] = [performance.now(), process.threadCpuUsage()];
    await verifier.verify(token);
    const { user, system } = process.threadCpuUsage(cpu);
    longestCpuMs = Math.max(longestCpuMs, (user + system) / 1000);
    longestMs = Math.max(longestMs, performance.now() - start);
  }
  return { longestMs, longestCpuMs };
}

type IsGood = (verdict: VerifiedToken | undefined) => boolean;

const isKnown: IsGood = (verdict) => verdict !== undefined;
const isOfSomebody: IsGood = (verdict) => (verdict?.claims.sub?.length ?? 0) > 0;

function timeBatches(cache: VerificationCache, tokens: PackedTokens, batches: number, isGood: IsGood = isKnown): number[] {
  const order = randomOrder(batches * BATCH, tokens.count, batches);
  return Array.from({ length: batches }, (_, batch) => {
    const strings = Array.from(order.subarray(batch * BATCH, (batch + 1) * BATCH), (index) => tokens.text(index));
    const start = process.hrtime.bigint();
    let hits = 0;
    for (const token of strings) if (isGood(cache.recall(token))) hits += 1;
    const ns = Number(process.hrtime.bigint() - start) / BATCH;
    if (hits !== BATCH) throw new Error('A token is not in the cache');
    return ns;
  });
}

/** Users with good tokens: twice as many as the cache holds, so that eviction matters. */
const GOOD = 8000;
const ENTRIES = 4000;
const JUNK_FOR_EACH_GOOD = 5;

// The same requests twice, each time from an empty cache on.
async function measureFlood({ junk }: { junk: number }): Promise<FloodResult> {
  const tokens = new PackedTokens(GOOD);
  const calls = Math.ceil(junk / JUNK_FOR_EACH_GOOD);
  const create = (): VerificationCache =>
    createCachedVerifier(tokens.verifier(createKnownBadMemory()), { maxEntries: ENTRIES, maxBytes: 2 ** 40 });
  const quiet = create();
  await run(quiet, tokens, 20_000, 0);
  await run(quiet, tokens, 2000, 0);
  const hitRateBefore = await run(quiet, tokens, calls, 0);
  quiet.clear();
  const cache = create();
  await run(cache, tokens, 20_000, 0);
  // Both memories are full from here on.
  await run(cache, tokens, 2000, JUNK_FOR_EACH_GOOD);
  const bytesBefore = memory();
  const hitRateDuring = await run(cache, tokens, calls, JUNK_FOR_EACH_GOOD);
  return { junk: calls * JUNK_FOR_EACH_GOOD, hitRateBefore, hitRateDuring, bytesBefore, bytesAfter: memory() };
}

// Half of the users' requests come from a tenth of them. Every fifth junk token is one of a hundred that come again.
async function run(cache: VerificationCache, tokens: PackedTokens, calls: number, junkForEach: number): Promise<number> {
  const order = randomOrder(calls, tokens.count, calls);
  const sample = tokens.text(0);
  let hits = 0;
  for (let call = 0; call < calls; call += 1) {
    const user = call % 2 === 0 ? order[call]! % (tokens.count / 10) : order[call]!;
    const token = tokens.text(user);
    if (cache.recall(token) !== undefined) hits += 1;
    else await cache.verify(token);
    for (let index = 0; index < junkForEach; index += 1) {
      const number = index === 0 ? call % 100 : 1000 + call * junkForEach + index;
      await cache.verify(junkOf(sample, number)).then(refuse, () => {});
    }
  }
  return hits / calls;
}

function refuse(): never {
  throw new Error('Junk was accepted');
}

async function measureKnownBad({ rounds }: { rounds: number }): Promise<KnownBadResult> {
  const pair = createKeyPair('RS256');
  const key = createVerificationKey({ alg: 'RS256', kid: pair.material.kid, pem: pair.material.pem! });
  const good = await signToken(pair, 'user-0');
  const signed = Array.from({ length: 1000 }, (_, index) => signedOf(junkOf256(good, index)));
  const memory = createKnownBadMemory();
  for (const token of signed) if ((await memory.check(token, key, 0)) !== false) throw new Error('Junk was accepted');
  const time = (check: typeof inlineChecks.check): number =>
    median(
      Array.from({ length: rounds }, () => {
        const start = process.hrtime.bigint();
        for (const token of signed) if (check(token, key, 0) !== false) throw new Error('Junk was accepted');
        return Number(process.hrtime.bigint() - start) / signed.length;
      }),
    );
  time((...call) => memory.check(...call));
  return { checkNs: time(inlineChecks.check), knownNs: time((...call) => memory.check(...call)) };
}

function junkOf256(token: string, index: number): string {
  const dot = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(dot), 'base64url');
  signature.writeUInt32LE(index, signature.length - 4);
  return token.slice(0, dot) + signature.toString('base64url');
}

function signedOf(compact: string): SignedToken {
  const dot = compact.lastIndexOf('.');
  return { compact, signingInput: compact.slice(0, dot), signature: Buffer.from(compact.slice(dot + 1), 'base64url') };
}

function memory(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
