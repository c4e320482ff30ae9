/** Adaptive checks: here while there is time, in the pool in a burst, refused before waiting gets long. */
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { WatchwordError } from '../../src/errors.ts';
import { type AdaptiveChecksOptions, createAdaptiveChecks } from '../../src/jws/adaptive-checks.ts';
import type { SignedToken } from '../../src/jws/signature-checks.ts';
import type { AlgorithmName } from '../../src/keys/algorithms.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { toProblem } from '../../src/problem.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { ALGORITHM_NAMES, type TestKey, testKey } from '../support/keys.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { accessClaims, clock, issuerPolicy, makeToken } from '../support/tokens.ts';
import { outcome, tally, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const tokenOf = (index: number, owner: TestKey = key): string =>
  makeToken(owner, { payload: accessClaims({ jti: `token-${index}` }) });
const forged = (index: number, owner: TestKey = key): string =>
  makeToken(owner, { payload: accessClaims({ jti: `token-${index}` }), signature: Buffer.alloc(64, 1) });

function signed(compact: string): SignedToken {
  const end = compact.lastIndexOf('.');
  return { compact, signingInput: compact.slice(0, end), signature: Buffer.from(compact.slice(end + 1), 'base64url') };
}

function worldOf(options: AdaptiveChecksOptions = {}): {
  readonly checks: ReturnType<typeof createAdaptiveChecks>;
  readonly verifier: ReturnType<typeof createCachedVerifier>;
} {
  const checks = createAdaptiveChecks(options);
  return { checks, verifier: createCachedVerifier(createVerifier({ issuers: [issuerPolicy(key)], clock, checks })) };
}

describe('createAdaptiveChecks', () => {
  test.each([
    { inlineBudgetMs: -1 },
    { inlineBudgetMs: 11 },
    { inlineBudgetMs: NaN },
    { concurrency: 0 },
    { maxWaiting: 0 },
    { maxWaitMs: 0 },
    { maxWaitMs: Infinity },
    { burstMs: -1 },
    { concurrency: 1.5e9 },
    { now: 5 },
    { schedule: 'soon' },
    { maxInflight: 5 },
    null,
  ])('refuses %j as a configuration', (options) => {
    expect(outcome(() => createAdaptiveChecks(options as never))).toBe('config_invalid');
  });

  test('sheds what is beyond its bounds with a 503 that says when to come back', async () => {
    const { checks, verifier } = worldOf({ inlineBudgetMs: 0, concurrency: 1, maxWaiting: 10 });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => verdict(verifier, tokenOf(index))));
    expect(tally(answers)).toEqual({ accepted: 11, overloaded: 89 });
    expect(checks.stats()).toEqual({ inline: 0, pooled: 11, shed: 89, running: 0, waiting: 0 });
    const { status, headers } = toProblem(new WatchwordError('overloaded'));
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('1');
  });

  test('a burst of as many new tokens as may wait is answered as a whole, whatever each of them waits', async () => {
    // One reading of the clock is as long as anybody waits when more comes for long than is checked.
    let nowMs = 0;
    const limits = { inlineBudgetMs: 0, maxWaiting: 1024, maxWaitMs: 1, burstMs: 60_000 };
    const { checks, verifier } = worldOf({ ...limits, now: () => (nowMs += 1) });
    const answers = await Promise.all(Array.from({ length: 1024 }, (_, index) => verdict(verifier, tokenOf(index))));
    expect(tally(answers)).toEqual({ accepted: 1024 });
    expect(checks.stats()).toEqual({ inline: 0, pooled: 1024, shed: 0, running: 0, waiting: 0 });
  });

  test('junk that fills the queue is refused as junk, hits go on meanwhile, and good tokens are accepted right after', async () => {
    const { checks, verifier } = worldOf({ inlineBudgetMs: 0, concurrency: 1, maxWaiting: 10 });
    const known = tokenOf(-1);
    await verifier.verify(known);
    const flood = Array.from({ length: 100 }, (_, index) => verdict(verifier, forged(index)));
    await Promise.resolve();
    expect(checks.stats()).toMatchObject({ running: 1, waiting: 10 });
    expect(verifier.recall(known)).toBeDefined();
    expect(await verdict(verifier, known)).toBe('accepted');
    expect(tally(await Promise.all(flood))).toEqual({ signature_invalid: 11, overloaded: 89 });
    expect(await verdict(verifier, tokenOf(5))).toBe('accepted');
    // What was shed left nothing behind: no verdict, and no flight that others would join.
    expect(await verdict(verifier, tokenOf(6))).toBe('accepted');
    expect(verifier.stats().size).toBe(3);
  });

  test('checks here while there is time, in the pool when it is used up, here again when there is time again', async () => {
    let nowMs = 0;
    const checks = createAdaptiveChecks({
      inlineBudgetMs: 1,
      // Each reading costs 0.2 ms, so a check of two readings takes 0.2 ms.
      now: () => (nowMs += 0.2),
      schedule: () => () => {},
    });
    const [verificationKey, token] = [createVerificationKey(key.material), signed(tokenOf(0))];
    const kinds = Array.from({ length: 20 }, () => typeof checks.check(token, verificationKey, 0));
    const firstPooled = kinds.indexOf('object');
    expect(firstPooled).toBeGreaterThan(2);
    expect(kinds.slice(0, firstPooled)).toEqual(Array.from({ length: firstPooled }, () => 'boolean'));
    while (checks.stats().running > 0) await new Promise(setImmediate);
    nowMs += 10;
    expect(checks.check(token, verificationKey, 0)).toBe(true);
  });

  test('nobody overtakes those who wait', async () => {
    let [nowMs, stepMs] = [0, 5];
    const checks = createAdaptiveChecks({ inlineBudgetMs: 1, concurrency: 1, now: () => (nowMs += stepMs) });
    const [verificationKey, token] = [createVerificationKey(key.material), signed(tokenOf(0))];
    // The first one seems to take 5 ms; then time stands still.
    expect(checks.check(token, verificationKey, 0)).toBe(true);
    stepMs = 0;
    const order: number[] = [];
    const checkAs = async (index: number): Promise<void> => {
      await checks.check(token, verificationKey, 0);
      order.push(index);
    };
    const waiting = [0, 1, 2].map(checkAs);
    nowMs += 100;
    await Promise.all([...waiting, checkAs(3)]);
    expect(order).toEqual([0, 1, 2, 3]);
    expect(checks.stats()).toMatchObject({ inline: 1, pooled: 4 });
  });

  test('HMAC is checked here, always: it costs less than the way to the pool', async () => {
    const hmac = testKey('HS256');
    const checks = createAdaptiveChecks({ inlineBudgetMs: 0, maxWaiting: 1 });
    const verificationKey = createVerificationKey(hmac.material);
    const answers = Array.from({ length: 100 }, (_, index) => checks.check(signed(tokenOf(index, hmac)), verificationKey, 0));
    expect(answers.every((answer) => answer === true)).toBe(true);
  });

  test('each check is counted once on the channel, what is shed not at all', async () => {
    const { checks, verifier } = worldOf({ concurrency: 2, maxWaiting: 5 });
    const count = await signatureChecks(() =>
      Promise.all(Array.from({ length: 200 }, (_, index) => verdict(verifier, tokenOf(index)))),
    );
    const { inline, pooled, shed } = checks.stats();
    expect(count).toBe(inline + pooled);
    expect(inline + pooled + shed).toBe(200);
    expect(shed).toBeGreaterThan(0);
  });

  test('concurrent callers with one token cost one check, in the pool too', async () => {
    const { checks, verifier } = worldOf({ inlineBudgetMs: 0 });
    const token = tokenOf(0);
    const answers = await Promise.all(Array.from({ length: 50 }, () => verdict(verifier, token)));
    expect(tally(answers)).toEqual({ accepted: 50 });
    expect(checks.stats().pooled).toBe(1);
  });
});

describe('adaptive against inline', () => {
  test.each(ALGORITHM_NAMES)('%s: the same verdict on each token, wherever it is checked', async (alg: AlgorithmName) => {
    const seed = freshSeed();
    const random = new SeededRandom(seed);
    const owner = testKey(alg);
    const checks = createAdaptiveChecks({ inlineBudgetMs: 0.2, maxWaiting: 100_000, maxWaitMs: 60_000 });
    const adaptive = createVerifier({ issuers: [issuerPolicy(owner)], clock, checks });
    const inline = createVerifier({ issuers: [issuerPolicy(owner)], clock });
    const tokens = Array.from({ length: amount(40, 2000) }, (_, index) => damage(tokenOf(index, owner), random));
    const expected = await Promise.all(tokens.map((token) => verdict(inline, token)));
    expect(await Promise.all(tokens.map((token) => verdict(adaptive, token))), `seed ${seed}`).toEqual(expected);
    expect(expected).toContain('accepted');
    const { inline: here, pooled } = checks.stats();
    expect(alg.startsWith('HS') ? pooled === 0 : here > 0 && pooled > 0).toBe(true);
  });
});

/** Half of the tokens stay as they are; of the others one character is another. */
function damage(token: string, random: SeededRandom): string {
  if (random.chance(0.5)) return token;
  const at = random.int(token.length);
  return `${token.slice(0, at)}${random.pick(['A', 'b', '9', '-', '=', '.'])}${token.slice(at + 1)}`;
}
