/** Withdrawals drop exactly what they mean: against a list of all verdicts that compares claims one by one. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { type VerificationCache, createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import type { Withdrawal, WithdrawalListener } from '../../src/verify/withdrawal.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { testKey } from '../support/keys.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { ISSUER, NOW, accessClaims, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';

const OTHER_ISSUER = 'https://other.example';
const KEYS = [testKey('HS256', 'one'), testKey('HS256', 'two')] as const;
const NAMES = ['a', 'b', 'a\u0000', 'a\u0000\u0000', 'ä', 'ä'.repeat(4500), '😀', '4294967295', '__proto__', 'x'.repeat(2000)];

/** A verifier of two issuers with two keys each, whose withdrawals the test announces. */
function announcing(): { verifier: Verifier; announce: WithdrawalListener; listeners: Set<WithdrawalListener> } {
  const listeners = new Set<WithdrawalListener>();
  const issuers = [ISSUER, OTHER_ISSUER].map((issuer) => issuerPolicy(KEYS, { issuer, requiredClaims: [] }));
  const plain = createVerifier({ clock, issuers, maxTokenBytes: 65_536 });
  const onWithdrawal = (listener: WithdrawalListener): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const announce = (withdrawal: Withdrawal): void => listeners.forEach((listener) => listener(withdrawal));
  return { verifier: { ...plain, onWithdrawal }, announce, listeners };
}

/** A token with a random choice of facts; all of them may be missing. */
function randomToken(random: SeededRandom): string {
  const fact = (): string | undefined => (random.chance(0.2) ? undefined : random.pick(NAMES));
  const iss = random.pick([ISSUER, OTHER_ISSUER]);
  const iat = random.chance(0.2) ? undefined : NOW - random.int(5);
  const claims = accessClaims({ iss, sub: fact(), jti: fact(), sid: fact(), iat, nonce: random.next() });
  return makeToken(random.pick(KEYS), { payload: claims });
}

function randomWithdrawal(random: SeededRandom, keyIds: readonly string[]): Withdrawal {
  const issuer = random.chance(0.1) ? 'https://nobody.example' : random.pick([ISSUER, OTHER_ISSUER]);
  const name = random.pick([...NAMES, 'nobody', '']);
  const roll = random.int(20);
  if (roll === 0) return { issuer, keyId: random.pick(keyIds) };
  if (roll === 1) return { issuer, kid: random.pick(['one', 'two', 'three']) };
  if (roll < 8) return { issuer, jti: name };
  if (roll < 14) return { issuer, sid: name };
  return { issuer, sub: name, issuedBefore: NOW - random.int(6) + 1 };
}

/** The model: written from the documentation of the type alone. */
function isMeant({ issuer, claims, key, header }: VerifiedToken, withdrawal: Withdrawal): boolean {
  if (issuer !== withdrawal.issuer) return false;
  if ('keyId' in withdrawal) return key.id === withdrawal.keyId;
  if ('kid' in withdrawal) return header.kid === withdrawal.kid || key.kid === withdrawal.kid;
  if ('jti' in withdrawal) return claims.jti === withdrawal.jti;
  if ('sid' in withdrawal) return claims.sid === withdrawal.sid;
  return claims.sub === withdrawal.sub && (claims.iat === undefined || claims.iat < withdrawal.issuedBefore);
}

describe('drop', () => {
  let tokens: string[];
  const random = new SeededRandom(freshSeed());

  beforeAll(() => {
    tokens = Array.from({ length: 3000 }, () => randomToken(random));
  });

  it.each([50, 5000])('D7: exactly what a withdrawal means, nothing else, with at most %i entries', async (maxEntries) => {
    const { verifier } = announcing();
    const cached = createCachedVerifier(verifier, { maxEntries });
    const remembered = (): Map<string, VerifiedToken> => {
      const found = tokens.map((token) => [token, cached.recall(token)] as const);
      return new Map(found.filter((entry): entry is [string, VerifiedToken] => entry[1] !== undefined));
    };
    const keyIds = new Set<string>();
    for (let round = amount(40, 1000); round > 0; round -= 1) {
      const share = round % 5 === 0 ? tokens : random.some(tokens, 0.02);
      for (const token of share) keyIds.add((await cached.verify(token)).key.id);
      const before = remembered();
      const withdrawal = randomWithdrawal(random, [...keyIds, 'nobody']);
      const kept = [...before].filter(([, verdict]) => !isMeant(verdict, withdrawal)).map(([token]) => token);
      const place = `seed ${random.seed}, ${JSON.stringify(withdrawal).slice(0, 200)}`;
      expect(cached.drop(withdrawal), place).toBe(before.size - kept.length);
      expect([...remembered().keys()], place).toEqual(kept);
      expect(cached.stats().size, place).toBe(kept.length);
    }
    expect(cached.stats().dropped).toBeGreaterThan(0);
  });

  it('a withdrawal of a kind that this version does not know drops nothing', async () => {
    const cached = createCachedVerifier(verifierOf(KEYS));
    await cached.verify(makeToken(KEYS[0]));
    expect(cached.drop({ issuer: ISSUER, future: 'x' } as unknown as Withdrawal)).toBe(0);
  });
});

describe('withdrawals that the verifier tells', () => {
  const token = makeToken(KEYS[0]);

  it('D7: drop by themselves, until close()', async () => {
    const { verifier, announce, listeners } = announcing();
    const cached = createCachedVerifier(verifier);
    await cached.verify(token);
    announce({ issuer: ISSUER, jti: 'token-1' });
    expect(cached.stats()).toMatchObject({ size: 0, bytes: 0, dropped: 1 });
    await cached.verify(token);
    cached.close();
    cached.close();
    expect(listeners.size).toBe(0);
    announce({ issuer: ISSUER, jti: 'token-1' });
    expect(cached.stats().size).toBe(1);
  });

  it('D7: a verification under way when one comes is answered and not stored', async () => {
    const { verifier, announce } = announcing();
    const gate = Promise.withResolvers<void>();
    const cached = createCachedVerifier({
      ...verifier,
      async verify(compact) {
        const verdict = await verifier.verify(compact);
        await gate.promise;
        return verdict;
      },
    });
    const pending = cached.verify(token);
    await Promise.resolve();
    announce({ issuer: ISSUER, jti: 'token-1' });
    gate.resolve();
    expect((await pending).claims.jti).toBe('token-1');
    expect([cached.recall(token), cached.stats().size]).toEqual([undefined, 0]);
    await cached.verify(token);
    expect(cached.recall(token)).toBeDefined();
  });

  it('don’t keep a cache alive that nobody refers to', async () => {
    const { verifier, announce, listeners } = announcing();
    setFlagsFromString('--expose-gc');
    const forgotten = ((): WeakRef<VerificationCache> => new WeakRef(createCachedVerifier(verifier)))();
    for (let attempt = 0; attempt < 50 && forgotten.deref() !== undefined; attempt += 1) {
      await new Promise(setImmediate);
      (runInNewContext('gc') as () => void)();
    }
    expect(forgotten.deref()).toBeUndefined();
    announce({ issuer: ISSUER, jti: 'token-1' });
    expect(listeners.size).toBe(0);
  });
});
