import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RevocationIndex } from '../../src/revocation/revocation-index.ts';
import { type Revocation, readRevocation } from '../../src/revocation/revocation.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { ISSUER, NOW } from '../support/tokens.ts';
import { UNTIL_MS, tokenWith } from './tokens.ts';

const nowMs = NOW * 1000;

function indexOf(...revocations: Revocation[]): RevocationIndex {
  const index = new RevocationIndex();
  for (const revocation of revocations) index.add(readRevocation(revocation));
  return index;
}

const common = { issuer: ISSUER, expiresAtMs: UNTIL_MS };

describe('a token is revoked', () => {
  test.each<[string, Revocation, VerifiedToken]>([
    ['by its id', { ...common, jti: 'token-1' }, tokenWith()],
    ['by its session', { ...common, sid: 's' }, tokenWith({ sid: 's' })],
    ['by its subject', { ...common, sub: 'user-1', issuedBefore: NOW }, tokenWith({ iat: NOW - 1 })],
    ['by its subject, without iat', { ...common, sub: 'user-1', issuedBefore: 0 }, tokenWith({ iat: undefined })],
    ['by the key id of its header', { ...common, kid: 'key-1' }, tokenWith()],
    ['by the key id of its key alone', { ...common, kid: 'key-1' }, tokenWith({}, null)],
  ])('%s', (_name, revocation, token) => {
    expect(indexOf(revocation).revokes(token, nowMs)).toBe(true);
  });

  test('until the revocation expires, and not at the moment itself', () => {
    const index = indexOf({ ...common, jti: 'token-1' });
    expect(index.revokes(tokenWith(), UNTIL_MS - 1)).toBe(true);
    expect(index.revokes(tokenWith(), UNTIL_MS)).toBe(false);
  });

  test('by a clock that gives no number (B2)', () => {
    expect(indexOf({ ...common, jti: 'token-1' }).revokes(tokenWith(), NaN)).toBe(true);
  });

  test('by the longer of two revocations, in either order', () => {
    const long = { ...common, jti: 'token-1' };
    const short = { ...long, expiresAtMs: nowMs + 1 };
    for (const index of [indexOf(long, short), indexOf(short, long)]) {
      expect(index.revokes(tokenWith(), nowMs + 2)).toBe(true);
      expect(index.stats().entries).toBe(1);
    }
  });

  test('by an older revocation of its subject that lasts longer than the newer', () => {
    const older: Revocation = { ...common, sub: 'user-1', issuedBefore: NOW - 100 };
    const newer: Revocation = { ...common, sub: 'user-1', issuedBefore: NOW, expiresAtMs: nowMs + 1 };
    const index = indexOf(older, newer);
    expect(index.revokes(tokenWith({ iat: NOW - 101 }), nowMs + 2)).toBe(true);
    expect(index.revokes(tokenWith({ iat: NOW - 99 }), nowMs)).toBe(true);
    expect(index.revokes(tokenWith({ iat: NOW - 99 }), nowMs + 2)).toBe(false);
  });
});

describe('a token is not revoked', () => {
  test.each<[string, Revocation, VerifiedToken]>([
    ['by the id of another issuer', { ...common, issuer: 'https://other.example', jti: 'token-1' }, tokenWith()],
    ['by another id', { ...common, jti: 'token-2' }, tokenWith()],
    ['by a session id that is its token id', { ...common, sid: 'token-1' }, tokenWith()],
    ['by a token id that is its subject', { ...common, jti: 'user-1' }, tokenWith()],
    ['by its subject, when issued at that very second', { ...common, sub: 'user-1', issuedBefore: NOW }, tokenWith({ iat: NOW })],
    ['by another key', { ...common, kid: 'key-2' }, tokenWith()],
    ['by a name that every object has', { ...common, jti: '__proto__' }, tokenWith({ jti: 'constructor' })],
  ])('%s', (_name, revocation, token) => {
    expect(indexOf(revocation).revokes(token, nowMs)).toBe(false);
  });
});

describe('memory', () => {
  test('is freed a minute after expiry at most, and counted', () => {
    const index = new RevocationIndex();
    for (let entry = 0; entry < 1000; entry += 1) index.add({ ...common, jti: `${entry}`, expiresAtMs: nowMs + entry * 1000 });
    expect(index.stats()).toEqual({ entries: 1000, bytes: expect.any(Number) });
    expect(index.prune(nowMs)).toBe(0);
    index.prune(nowMs + 560_000);
    expect(index.stats().entries).toBeLessThanOrEqual(500);
    index.prune(nowMs + 1_060_000);
    expect(index.stats()).toEqual({ entries: 0, bytes: 0 });
  });

  test('a clock that gives no number frees nothing', () => {
    const index = indexOf({ ...common, jti: 'a' });
    expect([index.prune(NaN), index.stats().entries]).toEqual([0, 1]);
  });
});

test('the index says what a walk over all revocations says', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const seconds = fc.integer({ min: NOW - 5, max: NOW + 5 });
  const issuer = fc.constantFrom(ISSUER, 'https://other.example');
  const target = fc.oneof(
    fc.record({ jti: name }),
    fc.record({ sid: name }),
    fc.record({ kid: name }),
    fc.record({ sub: name, issuedBefore: seconds }),
  );
  const expiry = fc.record({ issuer, expiresAtMs: seconds.map((until) => until * 1000) });
  const revocation = fc.tuple(target, expiry).map(([which, rest]): Revocation => Object.assign(which, rest));
  const claims = fc.record({
    jti: name,
    sid: fc.option(name, { nil: undefined }),
    sub: name,
    iat: fc.option(seconds, { nil: undefined }),
  });
  const token = fc.tuple(claims, name, issuer).map(([members, kid, from]) => tokenWith(members, kid, from));
  fc.assert(
    fc.property(fc.array(revocation, { maxLength: 20 }), token, seconds, fc.boolean(), (revocations, token, at, isPruned) => {
      const index = indexOf(...revocations);
      if (isPruned) index.prune(at * 1000);
      expect(index.revokes(token, at * 1000)).toBe(revocations.some((one) => naivelyRevokes(one, token, at * 1000)));
      for (const one of revocations) if (!isPruned) expect(index.covers(one)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

function naivelyRevokes(revocation: Revocation, { issuer, claims, header }: VerifiedToken, atMs: number): boolean {
  if (revocation.issuer !== issuer || atMs >= revocation.expiresAtMs) return false;
  if ('jti' in revocation) return revocation.jti === claims.jti;
  if ('sid' in revocation) return revocation.sid === claims.sid;
  if ('kid' in revocation) return revocation.kid === header.kid;
  return revocation.sub === claims.sub && (claims.iat === undefined || claims.iat < revocation.issuedBefore);
}
