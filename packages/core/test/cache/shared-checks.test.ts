/** Signature checks that threads share: what one may learn from the other, and what never. */
import { describe, expect, it } from 'vitest';
import { createSharedChecks, voidOnWithdrawal } from '../../src/cache/shared-checks.ts';
import { type SharedTable, createSharedTable, openSharedTable } from '../../src/cache/shared-table.ts';
import { type SignatureChecks, type SignedToken, inlineChecks } from '../../src/jws/signature-checks.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { IssuerPolicy } from '../../src/verify/policy.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import type { WithdrawalListener } from '../../src/verify/withdrawal.ts';
import { type TestKey, testKey } from '../support/keys.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { ISSUER, NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const NOW_MS = NOW * 1000;
const key = testKey('ES256');
const token = makeToken(key);

/** A thread: a verifier of its own that looks into the table. */
function threadOf(
  table: SharedTable,
  changes: Partial<IssuerPolicy> = {},
  clock = (): number => NOW_MS,
  keys: TestKey = key,
): Verifier {
  const checks = createSharedChecks(openSharedTable(table.handle));
  return createVerifier({ issuers: [issuerPolicy(keys, changes)], clock, checks });
}

const tableOf = (): SharedTable => createSharedTable({ entries: 64 });

describe('a wrong yes', () => {
  it('B2, D3: unknown options are refused', () => {
    for (const options of [{ keyBuilder: () => '' }, null, []])
      expect(outcome(() => createSharedChecks(tableOf(), options as never))).toBe('config_invalid');
  });

  const policies = {
    audience: [{}, { audience: 'https://elsewhere.example' }, 'audience_mismatch'],
    type: [{}, { tokenTypes: ['jwt'] }, 'type_not_allowed'],
    algorithm: [{}, { algorithms: ['RS256'] }, 'algorithm_not_allowed'],
    claims: [{}, { requiredClaims: ['tenant'] }, 'claim_missing'],
    age: [{}, { maxTokenAgeSeconds: 1, toleranceSeconds: 0 }, 'token_too_old'],
    issuer: [{}, { issuer: 'https://other.example' }, 'issuer_not_trusted'],
  } as const;
  it.each(Object.entries(policies))(
    'D2: two policies (%s) share a proof, never a verdict, in both orders',
    async (_, [own, other, code]) => {
      for (const order of [
        [0, 1],
        [1, 0],
      ] as const) {
        const table = tableOf();
        const pair = [threadOf(table, own), threadOf(table, other as Partial<IssuerPolicy>)];
        const oracle = createVerifier({ issuers: [issuerPolicy(key, other as Partial<IssuerPolicy>)], clock: () => NOW_MS });
        const verdicts = ['accepted', await verdict(oracle, token)];
        expect(verdicts[1]).toBe(code);
        for (const index of [...order, ...order]) expect(await verdict(pair[index]!, token)).toBe(verdicts[index]);
      }
    },
  );

  it('a forged token is checked each time, and never stored', async () => {
    const table = tableOf();
    const thread = threadOf(table);
    const forged = makeToken(key, { signature: Buffer.alloc(64, 1) });
    const checks = await signatureChecks(async () => {
      for (let round = 0; round < 3; round += 1) expect(await verdict(thread, forged)).toBe('signature_invalid');
    });
    expect([checks, table.has(forged, createVerificationKey(key.material).id, NOW_MS)]).toEqual([3, false]);
  });

  it('a signed token that the policy refuses is not stored either', async () => {
    const table = tableOf();
    const thread = threadOf(table);
    const expired = makeToken(key, { payload: accessClaims({ exp: NOW - 100 }) });
    expect(await signatureChecks(async () => [await verdict(thread, expired), await verdict(thread, expired)])).toBe(2);
  });

  it('another key under the same key id: the proof of the one is none of the other', async () => {
    const table = tableOf();
    const impostor = { ...testKey('ES256', 'impostor'), kid: key.kid };
    const impostors = { ...impostor, material: { ...impostor.material, kid: key.kid } };
    expect(await verdict(threadOf(table), token)).toBe('accepted');
    expect(await verdict(threadOf(table, {}, undefined, impostors), token)).toBe('signature_invalid');
  });

  it('D4: a proof does not outlive the token, whatever thread asks', async () => {
    const table = tableOf();
    let nowMs = NOW_MS;
    const [first, second] = [threadOf(table, {}, () => nowMs), threadOf(table, {}, () => nowMs)];
    await first.verify(token);
    nowMs = (NOW + 305) * 1000 - 1;
    expect(await verdict(second, token)).toBe('accepted');
    nowMs += 1;
    expect([await verdict(second, token), await verdict(first, token)]).toEqual(['token_expired', 'token_expired']);
  });

  it('D7: a key removed in one thread only is refused there, at once', async () => {
    const table = tableOf();
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const [first, second] = [threadOf(table), threadOf(table, { keys })];
    expect([await verdict(first, token), await verdict(second, token)]).toEqual(['accepted', 'accepted']);
    keys.replace({ keys: [] });
    expect([await verdict(second, token), await verdict(first, token)]).toEqual(['key_unknown', 'accepted']);
  });

  it.each(['bumpKeys', 'bumpRevocations'] as const)('D7: %s during a check leaves a dead entry', async (bump) => {
    const table = tableOf();
    const answers = new Set([true, Promise.resolve(true)]);
    for (const answer of answers) {
      const during: SignatureChecks = {
        check: () => {
          table[bump]();
          return answer;
        },
      };
      const checks = createSharedChecks(table, { checks: during });
      const policy = { issuers: [issuerPolicy(key)], clock: () => NOW_MS, checks };
      await createVerifier(policy).verify(token);
    }
    expect([table.stats().stored, table.has(token, createVerificationKey(key.material).id, NOW_MS)]).toEqual([0, false]);
  });

  it('accepted, said of what was refused later, stores nothing', async () => {
    const table = tableOf();
    const checks = createSharedChecks(table, { checks: { check: () => Promise.resolve(false) } });
    const signed: SignedToken = { compact: token, signingInput: '', signature: Buffer.alloc(0) };
    const one = createVerificationKey(key.material);
    expect(await checks.check(signed, one, NOW_MS)).toBe(false);
    checks.accepted!(signed, one, NOW_MS + 1e6);
    expect(table.stats().stored).toBe(0);
  });

  it('accepted, said of what was not proven here, with this key, stores nothing', () => {
    const table = tableOf();
    const answers = [false, true];
    const checks = createSharedChecks(table, { checks: { check: () => answers.shift()! } });
    const [one, two] = ['ES256', 'Ed25519'].map((alg) => createVerificationKey(testKey(alg as 'ES256').material)) as [
      never,
      never,
    ];
    const signed: SignedToken = { compact: token, signingInput: '', signature: Buffer.alloc(0) };
    checks.accepted!(signed, one, NOW_MS + 1e6);
    expect(checks.check(signed, one, NOW_MS)).toBe(false);
    checks.accepted!(signed, one, NOW_MS + 1e6);
    expect(checks.check(signed, one, NOW_MS)).toBe(true);
    checks.accepted!(signed, two, NOW_MS + 1e6);
    checks.accepted!({ ...signed }, one, NOW_MS + 1e6);
    expect(table.stats().stored).toBe(0);
    checks.accepted!(signed, one, NOW_MS + 1e6);
    expect(table.stats().stored).toBe(1);
  });
});

describe('one verification for all', () => {
  it.each(['RS256', 'ES256', 'PS256', 'Ed25519'] as const)('%s: eight threads, one signature check', async (alg) => {
    const table = tableOf();
    const one = testKey(alg);
    const compact = makeToken(one);
    const threads = Array.from({ length: 8 }, () => threadOf(table, {}, undefined, one));
    const checks = await signatureChecks(async () => {
      for (const thread of threads) {
        const { claims } = await thread.verify(compact);
        expect(claims.sub).toBe('user-1');
      }
    });
    expect([checks, table.stats().stored]).toEqual([1, 0]);
  });

  it('HMAC stays with the thread: to look it up costs what it would save', async () => {
    const table = tableOf();
    const secret = testKey('HS256');
    const compact = makeToken(secret);
    const [first, second] = [threadOf(table, {}, undefined, secret), threadOf(table, {}, undefined, secret)];
    expect(await signatureChecks(async () => [await first.verify(compact), await second.verify(compact)])).toBe(2);
  });

  it('checks that come later are shared as well, and their refusals are not', async () => {
    const table = tableOf();
    const later: SignatureChecks = { check: async (...args) => await inlineChecks.check(...args) };
    const verifier = (): Verifier =>
      createVerifier({ issuers: [issuerPolicy(key)], clock: () => NOW_MS, checks: createSharedChecks(table, { checks: later }) });
    const forged = makeToken(key, { signature: Buffer.alloc(64, 1) });
    expect([await verdict(verifier(), forged), await verdict(verifier(), token)]).toEqual(['signature_invalid', 'accepted']);
    expect(await signatureChecks(() => verdict(verifier(), token))).toBe(0);
    expect(await signatureChecks(() => verdict(verifier(), forged))).toBe(1);
  });

  it('what stands behind hears of acceptance too', async () => {
    const heard: number[] = [];
    const checks = createSharedChecks(tableOf(), {
      checks: { ...inlineChecks, accepted: (_, __, expiresAtMs) => heard.push(expiresAtMs) },
    });
    await createVerifier({ issuers: [issuerPolicy(key)], clock: () => NOW_MS, checks }).verify(token);
    expect(heard).toEqual([(NOW + 305) * 1000]);
  });
});

describe('D7: withdrawals', () => {
  it('a removed key voids the table, from a real key source', async () => {
    const table = tableOf();
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const thread = threadOf(table, { keys });
    const stop = voidOnWithdrawal(table, thread);
    keys.replace({ keys: [] });
    const once = keys.onRemoval === undefined ? 0 : 1;
    expect(table.era()).toEqual({ keyGeneration: once, revocationEpoch: 0 });
    stop();
    keys.replace({ keys: [key.material] });
    keys.replace({ keys: [] });
    expect(table.era().keyGeneration).toBe(once);
  });

  it('a revoked key does; a revoked token is no business of the table', () => {
    const table = tableOf();
    let tell: WithdrawalListener = () => {};
    const verifier = { ...threadOf(table), onWithdrawal: (listener: WithdrawalListener) => ((tell = listener), () => {}) };
    voidOnWithdrawal(table, verifier);
    for (const target of [{ jti: '1' }, { sid: '1' }, { sub: '1', issuedBefore: NOW }]) tell({ issuer: ISSUER, ...target });
    expect(table.era()).toEqual({ keyGeneration: 0, revocationEpoch: 0 });
    tell({ issuer: ISSUER, kid: '1' });
    tell({ issuer: ISSUER, keyId: '1' });
    expect(table.era()).toEqual({ keyGeneration: 1, revocationEpoch: 1 });
  });

  it('a verifier that tells nothing is listened to in vain', () => {
    const { policyId, verify, holds } = threadOf(tableOf());
    expect(voidOnWithdrawal(tableOf(), { policyId, verify, holds })).not.toThrow();
  });
});
