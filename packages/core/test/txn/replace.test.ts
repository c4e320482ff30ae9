/** Replacements of Txn-Tokens (Txn-Tokens section 13.15): never more than the token that they replace. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signJws } from '../../src/jws/jws.ts';
import { scopeValues } from '../../src/verify/scopes.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { NOW, verifiedToken } from '../support/tokens.ts';
import { DOMAIN, minterOf, read, signer, txnVerifierOf } from '../support/txn.ts';
import { outcome } from '../support/verdicts.ts';

const subject = await verifiedToken({ scope: 'a b c' });
const context = { transactionContext: { order: 7 }, requestContext: { ip: '192.0.2.1' } };

async function firstToken(changes: object = {}, request: object = {}): Promise<VerifiedToken> {
  return txnVerifierOf().verify(minterOf(changes).mint({ subject, ...context, ...request }));
}

describe('refusals', () => {
  test('TT-24: an external token, and what no verifier gave', async () => {
    const first = await firstToken();
    expect(outcome(() => minterOf().replace({ subject }))).toBe('mint_failed');
    expect(outcome(() => minterOf().replace({ subject: { ...first } as never }))).toBe('mint_failed');
    expect(outcome(() => minterOf().replace({ subject: undefined as never }))).toBe('mint_failed');
  });

  test('TT-24: an expired token, without tolerance, to the millisecond', async () => {
    const first = await firstToken({ lifetimeSeconds: 60 });
    const end = Number(first.claims.exp) * 1000;
    expect(outcome(() => minterOf({ clock: () => end }).replace({ subject: first }))).toBe('token_expired');
    expect(outcome(() => minterOf({ clock: () => end + 1 }).replace({ subject: first }))).toBe('token_expired');
    expect(outcome(() => minterOf({ clock: () => end - 1000 }).replace({ subject: first }))).toBe('accepted');
  });

  test('TT-17: a scope that the token does not have', async () => {
    const first = await firstToken({}, { scopes: ['a', 'b'] });
    expect(outcome(() => minterOf().replace({ subject: first, scopes: ['c'] }))).toBe('scope_insufficient');
    expect(outcome(() => minterOf().replace({ subject: first, scopes: ['a', 'a b'] }))).toBe('scope_insufficient');
  });

  test('a context value that would change', async () => {
    const first = await firstToken();
    for (const change of [
      { transactionContext: { order: 8 } },
      { transactionContext: { order: '7' } },
      { requestContext: { ip: null } },
    ]) {
      expect(outcome(() => minterOf().replace({ subject: first, ...change }))).toBe('request_malformed');
    }
  });

  test('a token of another trust domain', async () => {
    const first = await firstToken();
    expect(outcome(() => minterOf({ trustDomain: 'other.internal' }).replace({ subject: first }))).toBe('audience_mismatch');
  });

  test('one replacement too many (TT-24)', async () => {
    const minter = minterOf({ maxReplacements: 2 });
    const second = await txnVerifierOf().verify(minter.replace({ subject: await firstToken() }));
    const third = await txnVerifierOf().verify(minter.replace({ subject: second }));
    expect(outcome(() => minter.replace({ subject: third }))).toBe('claim_invalid');
    expect(outcome(() => minterOf({ maxReplacements: 0 }).replace({ subject: second }))).toBe('claim_invalid');
  });

  test.each([-1, 33, Number.NaN, '8'])('maxReplacements: %s', (maxReplacements) => {
    expect(outcome(() => minterOf({ maxReplacements: maxReplacements as number }))).toBe('config_invalid');
  });

  test('a mapping of the chain', () => {
    expect(outcome(() => minterOf({ claims: { req_wl_chain: 'x' } }))).toBe('config_invalid');
  });

  test('a chain that is none', async () => {
    const claims = { iat: NOW, exp: NOW + 60, aud: DOMAIN, txn: 't', sub: 'user-1', scope: 'a', req_wl: 'edge' };
    for (const chain of ['edge', [1], {}, 5]) {
      const payload = Buffer.from(JSON.stringify({ ...claims, req_wl_chain: chain }));
      const compact = signJws(payload, { typ: 'txntoken+jwt' }, signer);
      const token = await txnVerifierOf().verify(compact);
      expect(outcome(() => minterOf().replace({ subject: token }))).toBe('claim_invalid');
    }
  });
});

test('what a replacement keeps, and whom it names', async () => {
  const first = await firstToken({ claims: { tenant: 'client_id' }, tokenIds: true });
  const compact = minterOf({ tokenIds: true }).replace({
    subject: first,
    scopes: ['b'],
    requestingWorkload: 'orders',
    transactionContext: { order: 7, line: 1 },
  });
  const { claims, header } = read(compact);
  expect(header.typ).toBe('txntoken+jwt');
  expect(claims).toMatchObject({ scope: 'b', req_wl: 'orders', req_wl_chain: ['edge'], tctx: { order: 7, line: 1 } });
  for (const name of ['txn', 'sub', 'aud', 'rctx', 'tenant']) expect(claims[name]).toEqual(first.claims[name]);
  expect(claims.jti).not.toBe(first.claims.jti);
  expect(claims.jti).toHaveLength(22);
  const again = read(minterOf().replace({ subject: await txnVerifierOf().verify(compact) }));
  expect(again.claims).toMatchObject({ scope: 'b', req_wl: 'edge', req_wl_chain: ['edge', 'orders'] });
});

test('property: through any chain of requests nothing gets more', async () => {
  const request = fc.record({
    scopes: fc.option(fc.subarray(['a', 'b', 'c', 'd']), { nil: undefined }),
    afterMs: fc.integer({ min: 0, max: 20_000 }),
    lifetimeSeconds: fc.integer({ min: 5, max: 300 }),
    order: fc.option(fc.constantFrom(7, 8), { nil: undefined }),
    extra: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
    issuer: fc.option(fc.constant(DOMAIN), { nil: undefined }),
  });
  let replaced = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), async (steps) => {
      let nowMs = NOW * 1000;
      let before = await firstToken({ lifetimeSeconds: 300 });
      const first = before;
      for (const { scopes, afterMs, lifetimeSeconds, order, extra, issuer } of steps) {
        nowMs += afterMs;
        const clock = (): number => nowMs;
        const minter = minterOf({ clock, lifetimeSeconds, reuseWindowSeconds: 0, ...(issuer === undefined ? {} : { issuer }) });
        const details = { ...(order === undefined ? {} : { order }), ...(extra === undefined ? {} : { extra }) };
        let compact: string;
        try {
          compact = minter.replace({ subject: before, transactionContext: details, ...(scopes && { scopes }) });
        } catch {
          continue;
        }
        replaced += 1;
        const after = await txnVerifierOf({ clock }).verify(compact);
        const was = new Set(scopeValues(before.claims.scope));
        expect(scopeValues(after.claims.scope).every((value) => was.has(value))).toBe(true);
        expect(after.claims.exp).toBeLessThanOrEqual(before.claims.exp!);
        expect(after.claims.iat).toBe(Math.floor(nowMs / 1000));
        for (const name of ['txn', 'sub', 'aud', 'rctx']) expect(after.claims[name]).toEqual(first.claims[name]);
        expect(after.claims.tctx).toMatchObject(before.claims.tctx as object);
        before = after;
      }
    }),
    { numRuns: 300 },
  );
  expect(replaced).toBeGreaterThan(100);
});
