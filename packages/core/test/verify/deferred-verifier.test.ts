/** Verification of what was accepted earlier: whose time counts for what (TT-33). */
import { array, asyncProperty, assert as check, integer } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { type Deferral, type DeferredVerifier, createDeferredVerifier } from '../../src/verify/deferred-verifier.ts';
import { createTxnMinter } from '../../src/txn/mint.ts';
import { generateSigningKey } from '../../src/keys/signing-key.ts';
import { RevocationIndex } from '../../src/revocation/revocation-index.ts';
import { testKey } from '../support/keys.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { codeOf } from '../support/verdicts.ts';

const key = testKey('ES256');
const at = (seconds: number): number => (NOW + seconds) * 1000;

function deferredAt(nowSeconds: number, changes: object = {}) {
  const verifier = createDeferredVerifier({
    issuers: [issuerPolicy(key, { toleranceSeconds: 0, ...changes })],
    clock: () => at(nowSeconds),
  });
  return async (token: string, accepted: number, runBefore: number): Promise<string> => {
    try {
      await verifier.verify(token, { acceptedAtMs: at(accepted), runBeforeMs: at(runBefore) });
      return 'accepted';
    } catch (error) {
      return codeOf(error);
    }
  };
}

const token = makeToken(key, { payload: accessClaims({ nbf: NOW, exp: NOW + 100 }) });

describe('refused', () => {
  test.each([
    ['expired when it was accepted', 100, 1000, 'token_expired'],
    ['accepted before it was good', -1, 1000, 'token_not_yet_valid'],
    ['too late to run', 10, 500, 'token_too_old'],
    ['accepted after it had to run', 600, 599, 'claim_invalid'],
    ['accepted at no time', NaN, 1000, 'claim_invalid'],
    ['to run before no time', 10, NaN, 'claim_invalid'],
    ['to run whenever', 10, Infinity, 'claim_invalid'],
    ['accepted in an endless past', -Infinity, 1000, 'claim_invalid'],
  ])('%s', async (_, accepted, runBefore, code) => {
    expect(await deferredAt(500)(token, accepted, runBefore)).toBe(code);
  });

  test('forged, for somebody else, of another key: as ever', async () => {
    const judge = deferredAt(500);
    expect(await judge(makeToken(key, { signature: Buffer.alloc(64, 1) }), 10, 1000)).toBe('signature_invalid');
    expect(await judge(makeToken(key, { payload: accessClaims({ aud: 'elsewhere' }) }), 10, 1000)).toBe('audience_mismatch');
    expect(await judge(makeToken(testKey('ES256', 'other')), 10, 1000)).toBe('key_unknown');
  });

  test('what became too late while its key was fetched', async () => {
    let nowSeconds = 500;
    const { keys } = issuerPolicy(key);
    const slow = {
      ...keys,
      lookup: () => undefined,
      async load(alg: string, kid: unknown) {
        nowSeconds = 600;
        return keys.lookup(alg as 'ES256', kid as string, at(nowSeconds)) as never;
      },
    };
    const verifier = createDeferredVerifier({
      issuers: [issuerPolicy(key, { toleranceSeconds: 0, keys: slow })],
      clock: () => at(nowSeconds),
    });
    const judge = async (runBefore: number): Promise<unknown[]> => {
      const deferral = { acceptedAtMs: at(10), runBeforeMs: at(runBefore) };
      nowSeconds = 500;
      const alone = await verifier.verify(token, deferral).then(() => 'accepted', codeOf);
      nowSeconds = 500;
      const [verdict] = await verifier.verifyMany([{ token, deferral }]);
      return [alone, verdict!.error === undefined ? 'accepted' : codeOf(verdict!.error)];
    };
    expect(await judge(600)).toEqual(['token_too_old', 'token_too_old']);
    expect(await judge(601)).toEqual(['accepted', 'accepted']);
  });

  test('a key that is no longer trusted when the work runs, though it was when the request was accepted', async () => {
    const source = {
      ...issuerPolicy(key).keys,
      lookup: (_alg: string, _kid: unknown, nowMs: number) =>
        nowMs < at(200) ? issuerPolicy(key).keys.lookup('ES256', key.kid, nowMs) : undefined,
      load: async () => undefined as never,
    };
    expect(await deferredAt(150, { keys: source })(token, 10, 1000)).toBe('accepted');
    expect(await deferredAt(500, { keys: source })(token, 10, 1000)).toBe('key_unknown');
  });
});

describe('many at once', () => {
  const clock = (): number => at(500);
  const expiring = makeToken(key, { payload: accessClaims({ nbf: NOW, exp: NOW + 100, jti: 'expiring' }) });
  const revoked = makeToken(key, { payload: accessClaims({ jti: 'revoked' }) });
  const tokens = [
    token,
    expiring,
    revoked,
    makeToken(key, { payload: accessClaims({ cnf: { jkt: 'x'.repeat(43) } }) }),
    makeToken(key, { signature: Buffer.alloc(64, 1) }),
    makeToken(testKey('ES256', 'other')),
    'a.b.c',
    undefined as unknown as string,
  ];
  const deferrals: Deferral[] = [
    { acceptedAtMs: at(10), runBeforeMs: at(1000) },
    { acceptedAtMs: at(10), runBeforeMs: at(1000), isProven: true },
    { acceptedAtMs: at(200), runBeforeMs: at(1000) },
    { acceptedAtMs: at(-1000), runBeforeMs: at(1000) },
    { acceptedAtMs: at(10), runBeforeMs: at(400) },
    { acceptedAtMs: NaN, runBeforeMs: at(1000) },
  ];
  const createVerifierOfMany = (): DeferredVerifier => {
    const index = new RevocationIndex();
    const { iss } = accessClaims() as { iss: string };
    index.add({ issuer: iss, jti: 'revoked', expiresAtMs: at(10_000) });
    const revocations = { freshAtMs: at(500), revokes: index.revokes.bind(index) };
    return createDeferredVerifier({ issuers: [issuerPolicy(key, { toleranceSeconds: 0 })], clock, revocations });
  };

  test('MQ-5: each by its own times and for itself, whoever stands beside it', async () => {
    const verifier = createVerifierOfMany();
    const POOL = tokens.flatMap((one) => deferrals.map((deferral) => ({ token: one, deferral })));
    const alone = await Promise.all(
      POOL.map(async (one) => verifier.verify(one.token, one.deferral).then((verified) => verified.window, codeOf)),
    );
    // Both kinds, or nothing was compared.
    expect(alone.filter((one) => typeof one === 'object')).not.toHaveLength(0);
    expect(new Set(alone)).toContain('token_revoked');
    await check(
      asyncProperty(array(integer({ min: 0, max: POOL.length - 1 }), { maxLength: 40 }), async (picks) => {
        const verdicts = await verifier.verifyMany(picks.map((pick) => POOL[pick]!));
        const windows = verdicts.map((verdict) => verdict.token?.window ?? codeOf(verdict.error));
        expect(windows).toEqual(picks.map((pick) => alone[pick]));
      }),
      { numRuns: 100 },
    );
  });

  test('a token that many requests came with is verified once', async () => {
    const requests = Array.from({ length: 60 }, (_, index) => ({
      token: [token, expiring][index % 2]!,
      deferral: { acceptedAtMs: at(index), runBeforeMs: at(1000 + index) },
    }));
    const count = await signatureChecks(async () => {
      const verdicts = await createVerifierOfMany().verifyMany(requests);
      expect(verdicts.map((verdict) => verdict.token?.window.expiresAtMs)).toEqual(
        requests.map(({ deferral }) => deferral.runBeforeMs),
      );
    });
    expect(count).toBe(2);
  });

  test('what is too late to run is not even looked at', async () => {
    const count = await signatureChecks(async () => {
      const [verdict] = await createVerifierOfMany().verifyMany([
        { token, deferral: { acceptedAtMs: at(10), runBeforeMs: at(500) } },
      ]);
      expect(codeOf(verdict!.error)).toBe('token_too_old');
    });
    expect(count).toBe(0);
  });
});

describe('bound to its sender, or taken back', () => {
  const deferral = { acceptedAtMs: at(10), runBeforeMs: at(1000) };
  const clock = (): number => at(500);

  test('WI-8: a bound token is no plain one; that its owner was there must have been seen', async () => {
    const verifier = createDeferredVerifier({ issuers: [issuerPolicy(key)], clock });
    const bound = makeToken(key, { payload: accessClaims({ exp: NOW + 100, cnf: { jkt: 'x'.repeat(43) } }) });
    await expect(verifier.verify(bound, deferral)).rejects.toMatchObject({ code: 'sender_constrained' });
    const sloppy = { ...deferral, isProven: 'yes' as never };
    await expect(verifier.verify(bound, sloppy)).rejects.toMatchObject({ code: 'sender_constrained' });
    expect((await verifier.verify(bound, { ...deferral, isProven: true })).claims.sub).toBeDefined();
  });

  test('revoked since it was accepted, by an entry that ends with the token; and nobody can say', async () => {
    const { iss, jti } = accessClaims() as { iss: string; jti: string };
    const index = new RevocationIndex();
    const revocations = { freshAtMs: at(500), revokes: index.revokes.bind(index) };
    const verifier = createDeferredVerifier({ issuers: [issuerPolicy(key, { toleranceSeconds: 0 })], revocations, clock });
    expect((await verifier.verify(token, deferral)).claims.jti).toBe(jti);
    index.add({ issuer: iss, jti, expiresAtMs: at(100) });
    await expect(verifier.verify(token, deferral)).rejects.toMatchObject({ code: 'token_revoked' });
    revocations.freshAtMs = at(400);
    const other = makeToken(key, { payload: accessClaims({ jti: 'other', exp: NOW + 100 }) });
    await expect(verifier.verify(other, deferral)).rejects.toMatchObject({ code: 'revocation_unavailable' });
  });
});

describe('asked again right before the work', () => {
  const deferral = { acceptedAtMs: at(10), runBeforeMs: at(1000) };

  test('too late, revoked meanwhile, by an entry that ends with the token, its key gone, nobody can say; or nothing has changed', async () => {
    let nowSeconds = 500;
    const { iss, jti } = accessClaims() as { iss: string; jti: string };
    const index = new RevocationIndex();
    const revocations = { freshAtMs: at(500), revokes: index.revokes.bind(index) };
    const keys = createLocalKeys({ issuer: iss, keys: [key.material] });
    const verifier = createDeferredVerifier({
      issuers: [issuerPolicy(key, { toleranceSeconds: 0, keys })],
      clock: () => at(nowSeconds),
      revocations,
    });
    const verified = await verifier.verify(token, deferral);
    const again = (): Promise<string> => verifier.assertHolds(verified, deferral).then(() => 'holds', codeOf);
    expect(await again()).toBe('holds');
    nowSeconds = 1000;
    expect(await again()).toBe('token_too_old');
    nowSeconds = 500;
    revocations.freshAtMs = at(400);
    expect(await again()).toBe('revocation_unavailable');
    revocations.freshAtMs = at(500);
    keys.replace({ keys: [testKey('ES256', 'other').material] });
    expect(await again()).toBe('key_unknown');
    keys.replace({ keys: [key.material] });
    expect(await again()).toBe('holds');
    index.add({ issuer: iss, jti, expiresAtMs: at(100) });
    expect(await again()).toBe('token_revoked');
  });

  test('a key that is not at hand is asked for', async () => {
    const { keys } = issuerPolicy(key);
    const forgetful = { ...keys, lookup: () => undefined, load: async () => keys.lookup('ES256', key.kid, at(500))! };
    const issuers = [issuerPolicy(key, { toleranceSeconds: 0, keys: forgetful })];
    const verifier = createDeferredVerifier({ issuers, clock: () => at(500) });
    await verifier.assertHolds(await verifier.verify(token, deferral), deferral);
  });
});

describe('accepted', () => {
  test('good when it was accepted, expired since, in time to run; a verifier of now refuses it', async () => {
    expect(await deferredAt(500)(token, 10, 1000)).toBe('accepted');
    const now = createVerifier({ issuers: [issuerPolicy(key)], clock: () => at(500) });
    await expect(now.verify(token)).rejects.toMatchObject({ code: 'token_expired' });
  });

  test('what is minted from it ends when the work had to begin, at the latest', async () => {
    const clock = (): number => at(990);
    const verifier = createDeferredVerifier({ issuers: [issuerPolicy(key)], clock });
    const subject = await verifier.verify(token, { acceptedAtMs: at(10), runBeforeMs: at(1000) });
    expect(subject.window.expiresAtMs).toBe(at(1000));
    const minter = createTxnMinter({
      trustDomain: 'inside.example',
      requestingWorkload: 'worker',
      key: generateSigningKey(),
      clock,
    });
    const claims = JSON.parse(Buffer.from(minter.mint({ subject }).split('.')[1]!, 'base64url').toString()) as { exp: number };
    expect(claims.exp).toBe(NOW + 1000);
  });

  test('a token that lives longer keeps its own end', async () => {
    const verifier = createDeferredVerifier({ issuers: [issuerPolicy(key, { toleranceSeconds: 0 })], clock: () => at(20) });
    const long = makeToken(key, { payload: accessClaims({ exp: NOW + 5000 }) });
    const subject = await verifier.verify(long, { acceptedAtMs: at(10), runBeforeMs: at(1000) });
    expect(subject.window.expiresAtMs).toBe(at(5000));
  });
});
