/** The verification cache by rows of the scorecard; cache-equivalence covers what happens between them. */
import { describe, expect, it } from 'vitest';
import { type CacheOptions, type VerificationCache, createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { WatchwordError } from '../../src/errors.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { testKey } from '../support/keys.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { TableModel } from '../support/table-model.ts';
import { AUDIENCE, ISSUER, NOW, accessClaims, makeToken, verifierOf } from '../support/tokens.ts';
import { vandalize } from '../support/vandal.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('HS256');
const token = makeToken(key);
const tokenOf = (sub: string): string => makeToken(key, { payload: accessClaims({ sub }) });

describe('options', () => {
  it.each([NaN, Infinity, -1, 0, 0.5, 1e308, '60', null, 2 ** 24 + 1])('B2: maxEntries %s is refused', (maxEntries) => {
    const call = (): unknown => createCachedVerifier(verifierOf(key), { maxEntries: maxEntries as number });
    expect(outcome(call)).toBe('config_invalid');
  });

  it('D3: nobody can bring a key builder, or any other unknown option', () => {
    expect(outcome(() => createCachedVerifier(verifierOf(key), { cacheKeyBuilder: () => 'same' } as object))).toBe(
      'config_invalid',
    );
  });
});

describe('a wrong yes', () => {
  it('D1: a token that differs in one character, at any position, shares no verdict', async () => {
    const cached = createCachedVerifier(verifierOf(key));
    await cached.verify(token);
    for (let at = 0; at < token.length; at += 1) {
      const code = token.charCodeAt(at);
      for (const other of [code ^ 1, code ^ 0x20, code + 0x100, 0xd800, 0xfffd, 0x2e]) {
        const twin = token.slice(0, at) + String.fromCharCode(other) + token.slice(at + 1);
        if (twin !== token) expect(cached.recall(twin), `${at}: ${other}`).toBeUndefined();
      }
      expect(cached.recall(token.slice(0, at))).toBeUndefined();
    }
    expect(cached.recall(`${token} `)).toBeUndefined();
    expect(cached.recall(token)).toBeDefined();
  });

  it.each([undefined, null, 0, {}, [token], { length: token.length }, Object(token)])(
    'what is no string (%#) is not looked up',
    async (value) => {
      const cached = createCachedVerifier(verifierOf(key));
      await cached.verify(token);
      expect(cached.recall(value as string)).toBeUndefined();
      expect(await verdict(cached, value)).toBe('token_malformed');
    },
  );

  it('D2: the same token under two policies, in both orders', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const pair = [verifierOf(key), verifierOf(key, { audience: 'https://elsewhere.example' })].map((one) =>
        createCachedVerifier(one),
      );
      const verdicts = ['accepted', 'audience_mismatch'];
      for (const index of [...order, ...order]) expect(await verdict(pair[index]!, token)).toBe(verdicts[index]);
      expect(pair[0]!.policyId).not.toBe(pair[1]!.policyId);
    }
  });

  it('D4: without iat, with and without a maximum age: refused to the millisecond', async () => {
    let nowMs = NOW * 1000;
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const policy = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['HS256'] as const, keys, requiredClaims: [] };
    const withoutIat = makeToken(key, { payload: accessClaims({ iat: undefined, exp: NOW + 60 }) });
    const cached = createCachedVerifier(createVerifier({ issuers: [policy], clock: () => nowMs }));
    const aged = createCachedVerifier(createVerifier({ issuers: [{ ...policy, maxTokenAgeSeconds: 60 }], clock: () => nowMs }));
    await cached.verify(withoutIat);
    await aged.verify(token);
    nowMs = (NOW + 65) * 1000 - 0.25;
    expect(cached.recall(withoutIat)).toBeDefined();
    nowMs = (NOW + 65) * 1000;
    expect(await verdict(cached, withoutIat)).toBe('token_expired');
    nowMs = (NOW + 55) * 1000 - 0.25;
    expect(await verdict(aged, token)).toBe('accepted');
    nowMs = (NOW + 55) * 1000;
    expect([aged.recall(token), await verdict(aged, token)]).toEqual([undefined, 'token_too_old']);
  });

  it('with a maximum age, a token from the future is not young but refused, and its second counts', async () => {
    let nowMs = NOW * 1000;
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const policy = {
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ['HS256'] as const,
      keys,
      maxTokenAgeSeconds: 60,
      toleranceSeconds: 5,
    };
    const cached = createCachedVerifier(createVerifier({ issuers: [policy], clock: () => nowMs }));
    const early = makeToken(key, { payload: accessClaims({ iat: NOW + 100 }) });
    nowMs = (NOW + 95) * 1000 - 0.25;
    expect(await verdict(cached, early)).toBe('token_not_yet_valid');
    nowMs = (NOW + 95) * 1000;
    expect([await verdict(cached, early), cached.recall(early) !== undefined]).toEqual(['accepted', true]);
    nowMs -= 0.25;
    expect([cached.recall(early), await verdict(cached, early)]).toEqual([undefined, 'token_not_yet_valid']);
  });

  it('D6: what the first caller does to a verdict, the second does not see', async () => {
    const cached = createCachedVerifier(verifierOf(key));
    const long = makeToken(key, { payload: accessClaims({ roles: ['reader'], deep: { list: [{ a: 1 }] } }) });
    const first = await cached.verify(long);
    const before = JSON.stringify(first);
    vandalize(first);
    expect(JSON.stringify(cached.recall(long))).toBe(before);
    expect(cached.recall(long)!.window.expiresAtMs).toBe((NOW + 305) * 1000);
    expect(Object.getPrototypeOf(first.claims)).toBeNull();
    expect(first.claims.sub).toBe('user-1');
  });

  it('D7: removed, replaced under the same key id, ambiguous: refused at once', async () => {
    const again = { ...testKey('HS256', 'again').material, kid: key.kid };
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const cached = createCachedVerifier(verifierOf(key, { keys }));
    const anonymous = makeToken(key, { header: { kid: undefined } });
    const states = [
      [[key.material], 'accepted', 'accepted'],
      [[], 'key_unknown', 'key_unknown'],
      [[key.material], 'accepted', 'accepted'],
      [[again], 'signature_invalid', 'signature_invalid'],
      [[key.material, testKey('HS256', 'other').material], 'accepted', 'key_unknown'],
      [[key.material, again], 'key_unknown', 'key_unknown'],
      [[key.material], 'accepted', 'accepted'],
    ] as const;
    for (const [trusted, named, unnamed] of states) {
      keys.replace({ keys: trusted });
      expect([await verdict(cached, token), await verdict(cached, anonymous)]).toEqual([named, unnamed]);
      expect([cached.recall(token) !== undefined, cached.recall(anonymous) !== undefined]).toEqual([
        named === 'accepted',
        unnamed === 'accepted',
      ]);
    }
  });
});

describe('D8: what is remembered', () => {
  it('100,000 junk tokens take no place from the good one', async () => {
    const cached = createCachedVerifier(verifierOf(key), { maxEntries: 10 });
    await cached.verify(token);
    for (let index = 0; index < 100_000; index += 1)
      await verdict(cached, `${token.slice(0, -8)}${String(index).padStart(8, 'A')}`);
    expect(cached.recall(token)).toBeDefined();
    expect(cached.stats()).toMatchObject({ size: 1, evictions: 0, misses: 100_001 });
  });

  it('counts hits, misses, evictions and size', async () => {
    const cached = createCachedVerifier(verifierOf(key), { maxEntries: 2 });
    for (const sub of ['a', 'b', 'a', 'c']) await cached.verify(tokenOf(sub));
    expect(cached.stats()).toMatchObject({ hits: 1, misses: 3, evictions: 1, size: 2, expired: 0, dropped: 0 });
    cached.clear();
    expect(cached.stats().size).toBe(0);
    expect(cached.recall(tokenOf('a'))).toBeUndefined();
  });

  it('an entry that no longer holds makes place', async () => {
    let nowMs = NOW * 1000;
    const plain = verifierOf(key);
    const cached = createCachedVerifier({ ...plain, holds: () => nowMs === NOW * 1000 });
    await cached.verify(token);
    nowMs += 1;
    expect(cached.recall(token)).toBeUndefined();
    expect(cached.stats()).toMatchObject({ size: 0, bytes: 0, expired: 1 });
  });
});

describe('expired verdicts give their places back', () => {
  const expiring = (sub: string, exp: number): string => makeToken(key, { payload: accessClaims({ sub, exp }) });
  let nowMs = NOW * 1000;
  const clock = (): number => nowMs;
  const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
  const policy = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['HS256'] as const, keys, toleranceSeconds: 0 };
  const plain = createVerifier({ issuers: [policy], clock });
  const filled = async (verifier: Verifier, options: CacheOptions, exps: readonly number[]): Promise<VerificationCache> => {
    nowMs = NOW * 1000;
    const cached = createCachedVerifier(verifier, { clock, ...options });
    for (const [index, exp] of exps.entries()) await cached.verify(expiring(`user-${index}`, exp));
    return cached;
  };

  it('to the next one that comes, and none that holds is evicted', async () => {
    const cached = await filled(plain, { maxEntries: 3 }, [NOW + 300, NOW + 60, NOW + 200]);
    nowMs = (NOW + 60) * 1000 - 1;
    await cached.verify(expiring('user-1', NOW + 60));
    expect(cached.stats()).toMatchObject({ size: 3, expired: 0 });
    nowMs += 1;
    await cached.verify(tokenOf('one-more'));
    expect(cached.stats()).toMatchObject({ size: 3, evictions: 0, expired: 1 });
    for (const token of [expiring('user-0', NOW + 300), expiring('user-2', NOW + 200), tokenOf('one-more')])
      expect(cached.recall(token)).toBeDefined();
  });

  it('sixteen at a time, those first that expired first, also when there is place', async () => {
    const exps = Array.from({ length: 40 }, (_, index) => NOW + 60 + ((index * 7) % 40));
    const cached = await filled(plain, { maxEntries: 1000 }, exps);
    nowMs = (NOW + 110) * 1000;
    const sizes: number[] = [];
    for (const sub of ['a', 'b', 'c', 'd']) {
      await cached.verify(tokenOf(sub));
      sizes.push(cached.stats().size);
    }
    expect(sizes).toEqual([25, 10, 3, 4]);
    nowMs = NOW * 1000;
    expect(cached.stats()).toMatchObject({ expired: 40, evictions: 0 });
  });

  it('not by a clock that is wrong', async () => {
    const cached = await filled(plain, { clock: () => (NOW + 1e6) * 1000 }, [NOW + 60, NOW + 61]);
    await cached.verify(tokenOf('one-more'));
    expect(cached.stats()).toMatchObject({ size: 3, expired: 0 });
    const timeless = await filled(plain, { clock: () => NaN }, [NOW + 60, NOW + 61]);
    nowMs = (NOW + 61) * 1000;
    await timeless.verify(tokenOf('one-more'));
    expect(timeless.stats()).toMatchObject({ size: 3, expired: 0 });
  });

  it('not if they do not hold for another reason, which may pass', async () => {
    let isAway = false;
    const cached = await filled({ ...plain, holds: (token) => !isAway && plain.holds(token) }, {}, [NOW + 60, NOW + 61]);
    isAway = true;
    await cached.verify(tokenOf('one-more'));
    isAway = false;
    expect(cached.recall(expiring('user-0', NOW + 60))).toBeDefined();
  });

  it('a verifier that cannot say keeps them, and refuses nobody for it', async () => {
    const cannotSay = (): never => {
      throw new WatchwordError('revocation_unavailable');
    };
    const cached = await filled({ ...plain, holds: cannotSay }, {}, [NOW + 60]);
    nowMs = (NOW + 61) * 1000;
    await cached.verify(tokenOf('one-more'));
    expect(cached.stats()).toMatchObject({ size: 2, expired: 0 });
  });

  it('a verifier that changes the memory meanwhile', async () => {
    const changing = (token: VerifiedToken): boolean => {
      cached.clear();
      return plain.holds(token);
    };
    const cached: VerificationCache = await filled({ ...plain, holds: changing }, {}, [NOW + 60, NOW + 61]);
    nowMs = (NOW + 70) * 1000;
    await cached.verify(tokenOf('one-more'));
    expect(cached.stats()).toMatchObject({ size: 0, bytes: 0, expired: 0 });
  });

  it.each([3, 7, 15])('SIEVE with expiry, as a list tells it: %i entries', async (maxEntries) => {
    const random = new SeededRandom(freshSeed());
    const cached = await filled(plain, { maxEntries }, []);
    const model = new TableModel<number>(maxEntries);
    let expired = 0;
    const tokens = new Map<string, { readonly token: string; readonly exp: number }>();
    for (let step = 0; step < amount(3000, 100_000); step += 1) {
      if (random.chance(0.3)) nowMs += random.int(4) * 1000;
      const sub = `user-${random.int(2 * maxEntries)}`;
      const now = nowMs / 1000;
      if ((tokens.get(sub)?.exp ?? 0) <= now) {
        const exp = now + 1 + random.int(40);
        tokens.set(sub, { token: expiring(sub, exp), exp });
      }
      const { token, exp } = tokens.get(sub)!;
      const isHit = model.get(token) !== undefined;
      expect(cached.recall(token) !== undefined, `seed ${random.seed}, step ${step}`).toBe(isHit);
      if (isHit) continue;
      await cached.verify(token);
      expired += model.expire((until) => until <= now);
      model.set(token, exp);
      const { size, evictions } = model;
      expect(cached.stats(), `seed ${random.seed}, step ${step}`).toMatchObject({ size, evictions, expired });
    }
    expect(model.evictions).toBeGreaterThan(0);
    expect(expired).toBeGreaterThan(0);
  });
});

/** A verifier whose first call waits until the test lets it go on. */
function gated(plain: Verifier): { verifier: Verifier; open: () => void; calls: () => number } {
  let open = (): void => {};
  let calls = 0;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const verifier = {
    ...plain,
    async verify(compact: string) {
      calls += 1;
      await gate;
      return plain.verify(compact);
    },
  };
  return { verifier, open: () => open(), calls: () => calls };
}

describe('concurrency', () => {
  it('1,000 callers with one token cost one signature check', async () => {
    const es256 = testKey('ES256');
    const cached = createCachedVerifier(verifierOf(es256));
    const compact = makeToken(es256);
    const checks = await signatureChecks(async () => {
      const verdicts = await Promise.all(Array.from({ length: 1000 }, () => cached.verify(compact)));
      expect(new Set(verdicts).size).toBe(1);
    });
    expect(checks).toBe(1);
  });

  it('a refusal is shared by those who wait for it, and not remembered', async () => {
    const cached = createCachedVerifier(verifierOf(key));
    const forged = makeToken(key, { signature: Buffer.alloc(32) });
    const checks = await signatureChecks(async () => {
      const refusals = await Promise.allSettled(Array.from({ length: 1000 }, () => cached.verify(forged)));
      const reasons = new Set(refusals.map((refusal) => (refusal.status === 'rejected' ? refusal.reason : 'accepted')));
      expect([...reasons]).toEqual([expect.objectContaining({ code: 'signature_invalid' })]);
    });
    expect(checks).toBe(1);
    expect(await signatureChecks(() => verdict(cached, forged))).toBe(1);
    expect(cached.stats().size).toBe(0);
  });

  it('a shared verdict must hold when the late caller gets it', async () => {
    let isTrusted = true;
    const plain = verifierOf(key);
    const { verifier, open, calls } = gated({
      ...plain,
      holds: () => isTrusted,
      verify: (compact) => (isTrusted ? plain.verify(compact) : Promise.reject(new WatchwordError('key_untrusted'))),
    });
    const cached = createCachedVerifier({
      ...verifier,
      async verify(compact) {
        const result = await verifier.verify(compact);
        // Trust ends right after the shared verification has said yes.
        isTrusted = false;
        return result;
      },
    });
    const first = verdict(cached, token);
    const second = verdict(cached, token);
    open();
    expect([await first, await second]).toEqual(['accepted', 'key_untrusted']);
    expect([calls(), cached.recall(token)]).toEqual([2, undefined]);
  });

  it('tokens that are verified at the same time are stored under their own digests', async () => {
    const { verifier, open } = gated(verifierOf(key));
    const cached = createCachedVerifier(verifier);
    const subjects = Array.from({ length: 200 }, (_, index) => `user-${String(index).padStart(3, '0')}`);
    const pending = subjects.map((sub) => cached.verify(tokenOf(sub)));
    open();
    await Promise.all(pending);
    for (const sub of subjects) expect(cached.recall(tokenOf(sub))!.claims.sub).toBe(sub);
  });

  it('clear() also forgets what is under way', async () => {
    const { verifier, open, calls } = gated(verifierOf(key));
    const cached = createCachedVerifier(verifier);
    const before = cached.verify(token);
    cached.clear();
    const after = cached.verify(token);
    const late = cached.verify(token);
    open();
    await Promise.all([before, after, late]);
    // The one from before the call is neither joined nor stored; the one after it is both.
    expect([calls(), cached.stats().size]).toEqual([2, 1]);
  });
});

describe('verifiers that users wrap', () => {
  it('verify that throws, holds that throws: a rejection, and nothing is remembered of it', async () => {
    const plain = verifierOf(key);
    let isBroken = true;
    const broken = new Error('broken');
    const fail = (): never => {
      throw broken;
    };
    const cached = createCachedVerifier({
      ...plain,
      verify: (compact) => (isBroken ? fail() : plain.verify(compact)),
      holds: (verified) => (isBroken ? fail() : plain.holds(verified)),
    });
    await expect(cached.verify(token)).rejects.toBe(broken);
    isBroken = false;
    await cached.verify(token);
    isBroken = true;
    const call = cached.verify(token);
    await expect(call).rejects.toBe(broken);
    isBroken = false;
    expect(await verdict(cached, token)).toBe('accepted');
  });

  it('holds that comes back to the cache with another token deletes nobody else', async () => {
    const plain = verifierOf(key);
    const [one, two] = [tokenOf('user-a'), tokenOf('user-b')];
    let isRevoked = false;
    const cached = createCachedVerifier({
      ...plain,
      holds(verified) {
        if (verified.claims.sub !== 'user-a' || !isRevoked) return plain.holds(verified);
        cached.recall(two);
        return false;
      },
    });
    await cached.verify(one);
    await cached.verify(two);
    isRevoked = true;
    expect(cached.recall(one)).toBeUndefined();
    expect(cached.recall(two)!.claims.sub).toBe('user-b');
    expect(cached.stats().size).toBe(1);
  });

  it('a fact that only a wrapper knows is checked on each hit', async () => {
    const plain = verifierOf(key);
    const revoked = new Set<string>();
    const cached = createCachedVerifier({
      ...plain,
      holds: (verified) => plain.holds(verified) && !revoked.has(verified.claims.jti!),
    });
    await cached.verify(token);
    expect(cached.recall(token)).toBeDefined();
    revoked.add('token-1');
    expect(cached.recall(token)).toBeUndefined();
  });
});
