/** What a hit goes by when it does not look at the verdict. */
import { describe, expect, it } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { VerdictNotes } from '../../src/cache/verdict-notes.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createMemoryRevocationLog } from '../../src/revocation/memory-log.ts';
import { createRevocableVerifier } from '../../src/revocation/revocable-verifier.ts';
import { createRevocations } from '../../src/revocation/revocations.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { type Grounds, standingOf, withStanding } from '../../src/verify/standing.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER, NOW, accessClaims, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';

const key = testKey('HS256');
const token = makeToken(key);

/** A verifier that counts how often its rule is asked. */
function counting(plain: Verifier): { verifier: Verifier; asked: () => number } {
  let count = 0;
  const holds = (verdict: VerifiedToken): boolean => {
    count += 1;
    return plain.holds(verdict);
  };
  return { verifier: withStanding({ ...plain, holds }, standingOf(plain)), asked: () => count };
}

describe('a wrong yes', () => {
  it('D7: a copy of a verifier with a rule of its own has no standing: the rule is asked each time', async () => {
    const plain = verifierOf(key);
    expect(standingOf({ ...plain, holds: (verdict) => plain.holds(verdict) })).toBeUndefined();
    let holds = true;
    const cached = createCachedVerifier({ ...plain, holds: (verdict) => holds && plain.holds(verdict) });
    await cached.verify(token);
    holds = false;
    expect(cached.recall(token)).toBeUndefined();
  });

  it('D7: a rule that is put in later is asked, also behind a decorator', async () => {
    const revocations = createRevocations({ log: createMemoryRevocationLog({ clock }), clock });
    await revocations.ready();
    for (const decorate of [
      (verifier: Verifier) => verifier,
      (verifier: Verifier) => createRevocableVerifier(verifier, revocations, { clock, whenStale: 'accept' }),
    ]) {
      const plain = verifierOf(key) as { -readonly [name in keyof Verifier]: Verifier[name] };
      const cached = createCachedVerifier(decorate(plain));
      await cached.verify(token);
      expect(cached.recall(token)).toBeDefined();
      plain.holds = () => false;
      expect(cached.recall(token)).toBeUndefined();
    }
    revocations.close();
  });

  it('D7: revocations with an answer of their own have no version: they are asked each time', async () => {
    const revocations = createRevocations({ log: createMemoryRevocationLog({ clock }), clock });
    await revocations.ready();
    let isRevoked = false;
    const view = { freshAtMs: NOW * 1000, revokes: () => isRevoked };
    for (const own of [view, { ...revocations, ...view }]) {
      isRevoked = false;
      const cached = createCachedVerifier(createRevocableVerifier(verifierOf(key), own, { clock }));
      await cached.verify(token);
      expect(cached.recall(token)).toBeDefined();
      isRevoked = true;
      expect(cached.recall(token)).toBeUndefined();
    }
    revocations.close();
  });

  it('D4: the fraction of a second at either end is decided by the window itself', async () => {
    let nowMs = NOW * 1000;
    const policy = issuerPolicy(key, { toleranceSeconds: 0 });
    const cached = createCachedVerifier(createVerifier({ issuers: [policy], clock: () => nowMs }));
    const fraction = makeToken(key, { payload: accessClaims({ nbf: NOW - 1.5, exp: NOW + 2.5 }) });
    await cached.verify(fraction);
    const answers = [-1500, -1250, -1000, 1999, 2000, 2499].map((offset) => {
      nowMs = NOW * 1000 + offset;
      return cached.recall(fraction) !== undefined;
    });
    expect(answers).toEqual([true, true, true, true, true, true]);
    for (const offset of [-1500.1, 2500]) {
      nowMs = NOW * 1000;
      await cached.verify(fraction);
      nowMs += offset;
      expect(cached.recall(fraction)).toBeUndefined();
    }
  });

  it('numbers of grounds that are given out again mean nothing to older notes', async () => {
    const verdicts = await Promise.all(
      [1, 2, 3].map((jti) => verifierOf(key).verify(makeToken(key, { payload: accessClaims({ jti: `${jti}` }) }))),
    );
    const grounds = verdicts.map((_, index): Grounds => ({ hold: () => index !== 0 }));
    const verifier = withStanding(
      { ...verifierOf(key), holds: () => true },
      { version: 0, groundsOf: (verdict) => grounds[verdicts.indexOf(verdict)] },
    );
    const notes = new VerdictNotes(verifier, 2);
    const early = verdicts.map((verdict) => notes.write(verdict).slice());
    // The third one began again with number 1, which was the first one's, and is old itself.
    expect(early.map((one) => notes.areCurrent(one))).toEqual([false, false, false]);
    const third = notes.write(verdicts[2]!);
    expect([notes.areCurrent(third), notes.suffice(third)]).toEqual([true, true]);
  });
});

describe('a hit', () => {
  it('asks no rule while nothing has changed, and asks it once after each revocation', async () => {
    const revocations = createRevocations({ log: createMemoryRevocationLog({ clock }), clock });
    await revocations.ready();
    const { verifier, asked } = counting(createRevocableVerifier(verifierOf(key), revocations, { clock, whenStale: 'accept' }));
    const cached = createCachedVerifier(verifier);
    await cached.verify(token);
    for (let hit = 0; hit < 10; hit += 1) expect(cached.recall(token)).toBeDefined();
    expect(asked()).toBe(0);
    await revocations.revoke({ issuer: ISSUER, jti: 'another', expiresAtMs: (NOW + 60) * 1000 });
    for (let hit = 0; hit < 10; hit += 1) expect(cached.recall(token)).toBeDefined();
    expect(asked()).toBe(1);
    await revocations.revoke({ issuer: ISSUER, jti: 'token-1', expiresAtMs: (NOW + 60) * 1000 });
    expect(cached.recall(token)).toBeUndefined();
    revocations.close();
  });

  it('of a token that a revocation once named is asked about each time', async () => {
    const revocations = createRevocations({ log: createMemoryRevocationLog({ clock }), clock });
    await revocations.ready();
    await revocations.revoke({ issuer: ISSUER, jti: 'token-1', expiresAtMs: NOW * 1000 - 1 });
    const { verifier, asked } = counting(createRevocableVerifier(verifierOf(key), revocations, { clock, whenStale: 'accept' }));
    const cached = createCachedVerifier(verifier);
    await cached.verify(token);
    for (let hit = 0; hit < 3; hit += 1) expect(cached.recall(token)).toBeDefined();
    expect(asked()).toBe(3);
    revocations.close();
  });

  it('D7: looks for the key each time', async () => {
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const { verifier, asked } = counting(verifierOf(key, { keys }));
    const cached = createCachedVerifier(verifier);
    const verdict = await cached.verify(token);
    expect(cached.recall(token)).toBe(verdict);
    expect(asked()).toBe(0);
    cached.close();
    keys.replace({ keys: [testKey('HS256', 'another').material] });
    expect(cached.recall(token)).toBeUndefined();
  });
});
