/** Many tokens in one call: the verdict of each is that of a verification of its own. */
import { setImmediate } from 'node:timers/promises';
import { array, asyncProperty, assert as check, integer } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { pooledChecks } from '../../src/jws/pooled-checks.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { WatchwordError } from '../../src/errors.ts';
import { createSingleUseVerifier } from '../../src/replay/single-use-verifier.ts';
import type { SpentTokens } from '../../src/replay/spent-tokens.ts';
import { type BatchVerdict, verifyBatch } from '../../src/verify/batch.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { type TestKey, testKey } from '../support/keys.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { ISSUER, NOW, accessClaims, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';
import { codeOf, verdict } from '../support/verdicts.ts';

const keys = [testKey('ES256', 'a'), testKey('RS256', 'b'), testKey('EdDSA', 'c')];
const stranger = testKey('ES256', 'z');
const verifier = verifierOf(keys);
const pooled = createVerifier({ issuers: [issuerPolicy(keys)], clock, checks: pooledChecks });
const of = ({ token, error }: BatchVerdict): string => (token === undefined ? codeOf(error) : `accepted ${token.claims.jti}`);

const POOL: readonly string[] = [
  ...keys.flatMap((key) => [1, 2, 3].map((n) => makeToken(key, { payload: accessClaims({ jti: `${key.kid}-${n}` }) }))),
  makeToken(keys[0]!, { payload: accessClaims({ exp: NOW - 100 }) }),
  makeToken(keys[1]!, { payload: accessClaims({ aud: 'elsewhere' }) }),
  makeToken(keys[0]!, { signature: Buffer.alloc(64, 1) }),
  makeToken(stranger),
  '',
  'a.b.c',
  'no token at all',
  'x'.repeat(10_000),
  undefined as unknown as string,
  { toString: () => 'a.b.c' } as unknown as string,
];

describe('wrong use', () => {
  test('no verifier, no array, limits that are none (B2)', async () => {
    const calls: (() => Promise<unknown>)[] = [
      () => verifyBatch({} as Verifier, []),
      () => verifyBatch(verifier, 'a.b.c' as unknown as string[]),
      ...[0, NaN, Infinity, '4'].map((concurrency) => () => verifyBatch(verifier, [], { concurrency: concurrency as number })),
      ...[-1, NaN, Infinity].map((sliceMs) => () => verifyBatch(verifier, [], { sliceMs })),
      () => verifyBatch(verifier, [], { parallel: 4 } as object),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

describe('verdicts', () => {
  test('nothing in, nothing out', async () => {
    expect(await verifyBatch(verifier, [])).toEqual([]);
  });

  test('MQ-5: each token for itself, in order, whoever stands beside it', async () => {
    const alone = await Promise.all(POOL.map((token) => verdict(verifier, token)));
    expect(alone.filter((word) => word === 'accepted')).toHaveLength(9);
    await check(
      asyncProperty(
        array(integer({ min: 0, max: POOL.length - 1 }), { maxLength: 60 }),
        integer({ min: 1, max: 9 }),
        async (picks, concurrency) => {
          const verdicts = await verifyBatch(
            pooled,
            picks.map((pick) => POOL[pick]!),
            { concurrency, sliceMs: 0 },
          );
          expect(verdicts.map((one) => of(one).split(' ')[0])).toEqual(picks.map((pick) => alone[pick]));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a list that the caller goes on using', async () => {
    const tokens = POOL.slice(0, 3);
    const verdicts = verifyBatch(verifier, tokens);
    tokens.splice(0, 3, 'a.b.c', 'a.b.c', 'a.b.c', 'a.b.c');
    expect((await verdicts).map(of)).toEqual(['accepted a-1', 'accepted a-2', 'accepted a-3']);
  });

  test('a token that stands there often is checked once; two spellings of one are two', async () => {
    const tokens = Array.from({ length: 100 }, (_, index) => POOL[index % 3]!);
    const count = await signatureChecks(async () => {
      const verdicts = await verifyBatch(pooled, tokens);
      expect(new Set(verdicts.map(of))).toEqual(new Set(['accepted a-1', 'accepted a-2', 'accepted a-3']));
    });
    expect(count).toBe(3);
  });

  test('B12: what is good for one use is good for one place', async () => {
    const spent = new Set<string>();
    const ledger: SpentTokens = { spend: async (key) => !spent.has(key) && spent.add(key).has(key), close: async () => {} };
    const once = createSingleUseVerifier(pooled, ledger);
    const [one, other] = POOL as [string, string];
    expect((await verifyBatch(once, [one, other, one, one])).map(of)).toEqual([
      'accepted a-1',
      'accepted a-2',
      'token_replayed',
      'token_replayed',
    ]);
  });

  test('what holds no more at its second place, or nobody can say, is verified there', async () => {
    let [verified, isThrowing] = [0, false];
    const fickle: Verifier = {
      ...verifier,
      async verify(token) {
        verified += 1;
        if (verified > 1) throw new WatchwordError('token_revoked');
        return verifier.verify(token);
      },
      holds() {
        if (isThrowing) throw new TypeError('x');
        return false;
      },
    };
    for (isThrowing of [false, true]) {
      verified = 0;
      expect((await verifyBatch(fickle, [POOL[0]!, POOL[0]!])).map(of)).toEqual(['accepted a-1', 'token_revoked']);
    }
  });

  test('behind a cache, what is known costs nothing', async () => {
    const cached = createCachedVerifier(pooled);
    await verifyBatch(cached, POOL.slice(0, 9));
    const count = await signatureChecks(async () => void (await verifyBatch(cached, POOL.slice(0, 9))));
    expect(count).toBe(0);
  });

  test('a verifier that throws, or gives something else, is no yes', async () => {
    const broken: Verifier = { ...verifier, verify: () => Promise.reject(new TypeError('x')) };
    expect((await verifyBatch(broken, [POOL[0]!])).map(of)).toEqual(['internal']);
  });
});

describe('what changes while it runs', () => {
  test('VC-4: a key that goes while signatures wait is the reason of no yes', async () => {
    const [gone, kept] = keys as [TestKey, TestKey];
    const trusted = createLocalKeys({ issuer: ISSUER, keys: [gone.material, kept.material] });
    const both = createVerifier({ issuers: [issuerPolicy([gone, kept], { keys: trusted })], clock, checks: pooledChecks });
    const verdicts = verifyBatch(
      both,
      [gone, kept].map((key) => makeToken(key)),
    );
    trusted.replace({ keys: [kept.material] });
    expect((await verdicts).map((one) => of(one).split(' ')[0])).toEqual(['key_unknown', 'accepted']);
  });
});

describe('what it does not do', () => {
  test('never more at a time than it is allowed; one key is asked for once before the others come', async () => {
    let [running, most] = [0, 0];
    const starts: string[] = [];
    const slow: Verifier = {
      ...verifier,
      async verify(token) {
        starts.push(token.split('.')[0]!);
        running += 1;
        most = Math.max(most, running);
        await setImmediate();
        running -= 1;
        return verifier.verify(token);
      },
    };
    const tokens = Array.from({ length: 50 }, (_, index) =>
      makeToken(keys[index % 2]!, { payload: accessClaims({ jti: `${index}` }) }),
    );
    await verifyBatch(slow, tokens, { concurrency: 4 });
    expect(most).toBe(4);
    // One of each ahead, then group after group, whatever the order of the tokens.
    expect(new Set(starts.slice(0, 2)).size).toBe(2);
    expect(new Set(starts.slice(2, 26)).size).toBe(1);
    expect(new Set(starts.slice(26)).size).toBe(1);
  });

  test('a key that takes long to come holds up its own tokens only', async () => {
    const [known, late] = [keys[0]!, keys[1]!].map((key) =>
      Array.from({ length: 20 }, (_, index) => makeToken(key, { payload: accessClaims({ jti: `${index}` }) })),
    ) as [string[], string[]];
    const arrival = Promise.withResolvers<void>();
    const othersDone = Promise.withResolvers<void>();
    const started: string[] = [];
    let done = 0;
    const waiting: Verifier = {
      ...verifier,
      async verify(token) {
        started.push(token);
        if (late.includes(token)) await arrival.promise;
        const verified = await verifier.verify(token);
        if (known.includes(token) && (done += 1) === known.length) othersDone.resolve();
        return verified;
      },
    };
    const verdicts = verifyBatch(waiting, [...late, ...known], { concurrency: 2 });
    await othersDone.promise;
    expect(started.filter((token) => late.includes(token))).toHaveLength(1);
    arrival.resolve();
    expect((await verdicts).map(of).filter((word) => word.startsWith('accepted'))).toHaveLength(40);
  });

  test('also while a long list is only looked through', async () => {
    let turns = 0;
    const same = Array.from({ length: 2000 }, () => POOL[0]!);
    let immediate = globalThis.setImmediate(function count() {
      turns += 1;
      immediate = globalThis.setImmediate(count);
    });
    expect(await verifyBatch(verifier, same, { sliceMs: 0 })).toHaveLength(2000);
    clearImmediate(immediate);
    expect(turns).toBeGreaterThan(100);
  });

  test('the event loop gets its turns', async () => {
    let turns = 0;
    const watching = setInterval(() => (turns += 1), 0);
    await verifyBatch(
      verifier,
      Array.from({ length: 300 }, (_, index) => makeToken(keys[2]!, { payload: accessClaims({ jti: `${index}` }) })),
      { sliceMs: 0 },
    );
    clearInterval(watching);
    expect(turns).toBeGreaterThan(3);
  });
});
