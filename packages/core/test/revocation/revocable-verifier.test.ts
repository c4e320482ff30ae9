import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { WatchwordError } from '../../src/errors.ts';
import { Listeners } from '../../src/listeners.ts';
import { toProblem } from '../../src/problem.ts';
import { type RevocableVerifierOptions, createRevocableVerifier } from '../../src/revocation/revocable-verifier.ts';
import { assertFresh, readFreshness } from '../../src/revocation/freshness.ts';
import { RevocationIndex } from '../../src/revocation/revocation-index.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Withdrawal } from '../../src/verify/withdrawal.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER, NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { UNTIL_MS } from './tokens.ts';

const key = testKey('ES256', 'key-1');

class World {
  nowMs = NOW * 1000;
  freshAtMs = NOW * 1000;
  readonly index = new RevocationIndex();
  readonly clock = (): number => this.nowMs;
  readonly plain = createVerifier({ issuers: [issuerPolicy(key)], clock: this.clock });
  revokes(token: VerifiedToken, nowMs: number): boolean {
    return this.index.revokes(token, nowMs);
  }
  verifier(options: RevocableVerifierOptions = {}): ReturnType<typeof createRevocableVerifier> {
    return createRevocableVerifier(this.plain, this, { clock: this.clock, ...options });
  }
  revoke(jti: string): void {
    this.index.add({ issuer: ISSUER, jti, expiresAtMs: UNTIL_MS });
  }
}

const token = makeToken(key);

describe('options are refused', () => {
  const world = new World();
  test.each<[string, () => unknown, string]>([
    ['unknown ones', () => world.verifier({ maxAge: 1 } as never), 'revocable.maxAge'],
    ['a bound of nothing', () => world.verifier({ staleAfterMs: 0 }), 'revocable.staleAfterMs'],
    ['a bound that is no number', () => world.verifier({ staleAfterMs: NaN }), 'revocable.staleAfterMs'],
    ['a third way', () => world.verifier({ whenStale: 'ignore' as never }), 'revocable.whenStale'],
    ['no verifier', () => createRevocableVerifier(undefined as never, world), 'revocable.verifier'],
    ['no revocations', () => createRevocableVerifier(world.plain, undefined as never), 'revocable.revocations'],
    ['a cache behind it', () => createRevocableVerifier(createCachedVerifier(world.plain), world), 'put the cache in front'],
  ])('%s', (_name, action, message) => {
    expect(action).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(message) }));
  });
});

describe('a revoked token is refused', () => {
  test('with token_revoked, which outside is any bad token', async () => {
    const world = new World();
    world.revoke('token-1');
    const error = await world
      .verifier()
      .verify(token)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'token_revoked' });
    expect(toProblem(error)).toEqual(toProblem(new WatchwordError('signature_invalid')));
  });

  test('at once when it is cached', async () => {
    const world = new World();
    const cached = createCachedVerifier(world.verifier());
    await cached.verify(token);
    expect(cached.recall(token)).toBeDefined();
    world.revoke('token-1');
    expect(cached.recall(token)).toBeUndefined();
    await expect(cached.verify(token)).rejects.toMatchObject({ code: 'token_revoked' });
  });

  test('when it is revoked while it is verified', async () => {
    const world = new World();
    const verdict = createCachedVerifier(world.verifier()).verify(token);
    world.revoke('token-1');
    await expect(verdict).rejects.toMatchObject({ code: 'token_revoked' });
  });

  test('as revoked, not as our outage, while revocations are stale', async () => {
    const world = new World();
    world.revoke('token-1');
    world.freshAtMs = -Infinity;
    await expect(world.verifier().verify(token)).rejects.toMatchObject({ code: 'token_revoked' });
    await expect(world.verifier({ whenStale: 'accept' }).verify(token)).rejects.toMatchObject({ code: 'token_revoked' });
  });
});

describe('while revocations are stale', () => {
  test.each([5001, -5001, NaN, Infinity])('a good token is refused with 503: %s ms old', async (ageMs) => {
    const world = new World();
    world.freshAtMs = world.nowMs - ageMs;
    const error = await world
      .verifier()
      .verify(token)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'revocation_unavailable' });
    expect(toProblem(error).status).toBe(503);
  });

  test('a bad token is still a bad token', async () => {
    const world = new World();
    world.freshAtMs = -Infinity;
    await expect(world.verifier().verify(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toMatchObject({ code: 'signature_invalid' });
  });

  test('cached verdicts are not used, not lost, and not verified again', async () => {
    const world = new World();
    const cached = createCachedVerifier(world.verifier());
    await cached.verify(token);
    world.freshAtMs = world.nowMs - 5001;
    await expect(cached.verify(token)).rejects.toMatchObject({ code: 'revocation_unavailable' });
    expect(() => cached.recall(token)).toThrow(expect.objectContaining({ code: 'revocation_unavailable' }));
    expect(cached.stats()).toMatchObject({ misses: 1, size: 1 });
    world.freshAtMs = world.nowMs;
    expect(cached.recall(token)).toBeDefined();
  });

  test('a good token is accepted up to the bound, and beyond it where that is the choice', async () => {
    const world = new World();
    world.freshAtMs = world.nowMs - 5000;
    await expect(world.verifier().verify(token)).resolves.toBeDefined();
    world.freshAtMs = -Infinity;
    await expect(world.verifier({ whenStale: 'accept' }).verify(token)).resolves.toBeDefined();
  });

  test('each route may choose by itself, behind one verifier and cache', async () => {
    const world = new World();
    const cached = createCachedVerifier(world.verifier({ whenStale: 'accept' }));
    await cached.verify(token);
    world.freshAtMs = world.nowMs - 2000;
    expect(cached.recall(token)).toBeDefined();
    const check = (requirement: Parameters<typeof readFreshness>[0]) => () =>
      assertFresh(world, readFreshness(requirement), world.nowMs);
    expect(check({ staleAfterMs: 1999 })).toThrow(expect.objectContaining({ code: 'revocation_unavailable' }));
    expect(check({ staleAfterMs: 2000 })).not.toThrow();
    expect(check({ staleAfterMs: 1, whenStale: 'accept' })).not.toThrow();
  });
});

describe('withdrawals', () => {
  const revocation: Revocation = { issuer: ISSUER, sid: 's', expiresAtMs: UNTIL_MS };

  test('are those of the inner verifier and all revocations, until the subscription ends', () => {
    const told: Withdrawal[] = [];
    const inner = new Listeners<Withdrawal>();
    const revocations = new Listeners<Revocation>();
    const world = new World();
    const verifier = createRevocableVerifier(
      { ...world.plain, onWithdrawal: (listener) => inner.add(listener) },
      { freshAtMs: 0, revokes: () => false, onRevocation: (listener) => revocations.add(listener) },
    );
    const stop = verifier.onWithdrawal!((withdrawal) => told.push(withdrawal));
    inner.tell({ issuer: ISSUER, keyId: 'k' });
    revocations.tell(revocation);
    expect(told).toEqual([{ issuer: ISSUER, keyId: 'k' }, revocation]);
    stop();
    inner.tell({ issuer: ISSUER, keyId: 'k' });
    revocations.tell(revocation);
    expect(told).toHaveLength(2);
  });

  test('are none where nobody below tells of any', () => {
    const { verify, holds, policyId } = new World().plain;
    const verifier = createRevocableVerifier({ verify, holds, policyId }, { freshAtMs: 0, revokes: () => false });
    expect(() => verifier.onWithdrawal!(() => {})()).not.toThrow();
  });
});

test('two revocable verifiers have one policy id only with the same revocations, bound and choice (D2)', () => {
  const world = new World();
  const other = new World();
  const ids = [
    world.plain.policyId,
    world.verifier().policyId,
    world.verifier({ staleAfterMs: 1 }).policyId,
    world.verifier({ whenStale: 'accept' }).policyId,
    createRevocableVerifier(world.plain, other, { clock: world.clock }).policyId,
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(world.verifier().policyId).toBe(world.verifier().policyId);
});

// The oracle is another one: it walks over a list of revocations after each verification from the beginning.
test('cached and revocable says what uncached and a list of revocations say', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ ask: fc.nat(7) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        revoke: fc.nat(3),
        by: fc.constantFrom('jti', 'sid', 'sub', 'kid'),
        forS: fc.integer({ min: -1, max: 30 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ passS: fc.integer({ min: -3, max: 12 }) }) },
    { weight: 2, arbitrary: fc.constant({ refresh: true }) },
    { weight: 1, arbitrary: fc.constant({ prune: true }) },
  );
  const tokens = Array.from({ length: 8 }, (_, index) =>
    makeToken(key, {
      payload: accessClaims({
        jti: `${index % 4}`,
        sid: `${index % 3}`,
        sub: `${index % 2}`,
        iat: NOW - 20 + 5 * index,
        exp: NOW + 10 * index,
      }),
    }),
  );
  const outcome = (verdict: Promise<VerifiedToken>): Promise<string> =>
    verdict.then(
      ({ claims }) => `accepted ${claims.jti} ${claims.iat}`,
      (error: WatchwordError) => error.code,
    );
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom('refuse', 'accept'), async (steps, whenStale) => {
      const world = new World();
      const cached = createCachedVerifier(world.verifier({ whenStale }), { maxEntries: 5 });
      const list: Revocation[] = [];
      const expected = async (compact: string): Promise<VerifiedToken> => {
        const verdict = await world.plain.verify(compact);
        const { jti, sid, sub, iat } = verdict.claims;
        const isRevoked = list.some((one) => {
          if (world.nowMs >= one.expiresAtMs) return false;
          if ('jti' in one) return one.jti === jti;
          if ('sid' in one) return one.sid === sid;
          if ('kid' in one) return one.kid === verdict.header.kid;
          return one.sub === sub && iat! < one.issuedBefore;
        });
        if (isRevoked) throw new WatchwordError('token_revoked');
        const ageMs = Math.abs(world.nowMs - world.freshAtMs);
        if (whenStale === 'refuse' && ageMs > 5000) throw new WatchwordError('revocation_unavailable');
        return verdict;
      };
      for (const one of steps) {
        if ('ask' in one) {
          const right = await outcome(expected(tokens[one.ask]!));
          seen.add(right.split(' ')[0]!);
          expect(await outcome(cached.verify(tokens[one.ask]!))).toBe(right);
        } else if ('revoke' in one) {
          const name = one.by === 'kid' ? (one.revoke === 0 ? 'key-1' : 'another') : `${one.revoke}`;
          const issuedBefore = one.by === 'sub' ? { issuedBefore: Math.floor(world.nowMs / 1000) } : {};
          const expiresAtMs = world.nowMs + one.forS * 1000;
          const revocation = { issuer: ISSUER, [one.by]: name, ...issuedBefore, expiresAtMs } as unknown as Revocation;
          list.push(revocation);
          world.index.add(revocation);
        } else if ('passS' in one) world.nowMs += one.passS * 1000;
        else if ('refresh' in one) world.freshAtMs = world.nowMs;
        else world.index.prune(world.nowMs - 300_000);
      }
    }),
    { numRuns: 300 },
  );
  expect(seen).toEqual(new Set(['accepted', 'token_revoked', 'token_expired', 'revocation_unavailable']));
});
