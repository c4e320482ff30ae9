/** For how long a token that was taken back is remembered (RFC 7009). */
import { type IssuerPolicy, type Revocation, type VerifiedToken, WatchwordError } from '@watchword/core';
import { expect, test } from 'vitest';
import { testKey } from '../../../core/test/support/keys.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../../../core/test/support/tokens.ts';
import { longestDeferralMs } from '../../src/config/sections/deferred.ts';
import type { TokenClient } from '../../src/token-service/clients/client.ts';
import { createVerifyEnded } from '../../src/token-service/ended-tokens.ts';
import { createRevoke } from '../../src/token-service/revoke.ts';
import type { Subjects } from '../../src/token-service/subjects.ts';

const TOLERANCE_MS = 300_000;

test('S17: an external token for as long as requests that were accepted with it may wait; a Txn-Token is of no use there', async () => {
  const stored: Revocation[] = [];
  const claims = { jti: 'gone', exp: 1000, req_wl: 'orders' };
  const value = { claims, issuer: 'i', window: { expiresAtMs: 1_000_000 } } as unknown as VerifiedToken;
  const revoke = createRevoke({
    subjects: { verifyMany: async () => [{ status: 'fulfilled', value }] } as unknown as Subjects,
    revocations: { revoke: async (revocation) => void stored.push(revocation) },
    deferredForMs: 3_600_000,
  });
  const client = { grants: new Set(['revoke-any']), workload: 'orders' } as unknown as TokenClient;
  const header = Buffer.from(JSON.stringify({ typ: 'txntoken+jwt' })).toString('base64url');
  await revoke('external.token.x', client);
  await revoke(`${header}.token.x`, client);
  expect(stored.map(({ expiresAtMs }) => expiresAtMs)).toEqual([1_000_000 + TOLERANCE_MS + 3_600_000, 1_000_000 + TOLERANCE_MS]);
});

test('S17: an external token that has ended is taken back where requests may still wait; nobody asks for others', async () => {
  const stored: Revocation[] = [];
  const key = testKey('ES256');
  // The same type, by its sources.
  const issuer = issuerPolicy(key, { requiredClaims: ['exp', 'jti'] }) as object as IssuerPolicy;
  const verifyEnded = createVerifyEnded({ issuers: [issuer], clock: () => (NOW + 5000) * 1000 });
  const subjects = {
    verifyMany: async () => [{ status: 'rejected', reason: new WatchwordError('token_expired') }],
  } as unknown as Subjects;
  const revocations = { revoke: async (revocation: Revocation) => void stored.push(revocation) };
  const client = { grants: new Set(['revoke-any']) } as unknown as TokenClient;
  const ended = makeToken(key, { payload: accessClaims({ iat: NOW, exp: NOW + 60, jti: 'ended' }) });
  const bare = { iat: undefined, nbf: undefined };
  const bad = [
    makeToken(key, { payload: accessClaims({ exp: NOW + 60 }), signature: Buffer.alloc(64, 1) }),
    makeToken(key, { payload: accessClaims({ exp: NOW + 60, aud: 'elsewhere' }) }),
    'a.b.c',
  ];
  await createRevoke({ subjects, revocations, deferredForMs: 0 })(ended, client);
  const revoke = createRevoke({ subjects, revocations, deferredForMs: 3_600_000, verifyEnded });
  for (const token of bad) await revoke(token, client);
  expect(stored).toEqual([]);
  await revoke(ended, client);
  await revoke(makeToken(key, { payload: accessClaims({ ...bare, exp: NOW + 60, jti: 'bare' }) }), client);
  expect(stored.map((revocation) => 'jti' in revocation && revocation.jti)).toEqual(['ended', 'bare']);
  for (const { expiresAtMs } of stored) expect(expiresAtMs).toBeGreaterThan((NOW + 5000) * 1000 + 3_600_000);
});

test('the longest wait of all routes', () => {
  const inline = { verification: 'inline' } as const;
  const deferred = { verification: 'deferred' } as const;
  expect(longestDeferralMs([inline])).toBe(0);
  expect(longestDeferralMs([inline, { ...deferred, maxAgeSeconds: 7 }, { ...deferred, maxAgeSeconds: 60 }])).toBe(60_000);
  expect(longestDeferralMs([{ ...deferred, maxAgeSeconds: 7 }, deferred])).toBe(3_600_000);
});
