/** The one pure function that says from when until when a token holds. */
import { describe, expect, test } from 'vitest';
import { assertWithin, isWithin, validityWindow } from '../../src/verify/validity.ts';
import { VerifiedToken } from '../../src/verify/verified-token.ts';
import { NOW, verifiedToken } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const rules = (toleranceSeconds = 0, maxTokenAgeSeconds?: number): Parameters<typeof validityWindow>[1] => ({
  toleranceSeconds,
  maxTokenAgeSeconds,
});

describe('validityWindow', () => {
  test('NaN lies in no window', () => {
    const always = validityWindow({}, rules());
    expect([isWithin(always, NaN), isWithin(always, 0), outcome(() => assertWithin(always, NaN))]).toEqual([
      false,
      true,
      'token_not_yet_valid',
    ]);
  });

  test('exp ends it, nbf begins it, the tolerance widens both ends (JO-8)', () => {
    expect(validityWindow({ exp: 100, nbf: 50 }, rules(5))).toMatchObject({
      notBeforeMs: 45_000,
      expiresAtMs: 105_000,
      endsBy: 'token_expired',
    });
    expect(validityWindow({ exp: 100 }, rules())).toMatchObject({ notBeforeMs: -Infinity, expiresAtMs: 100_000 });
  });

  test('the end is outside: now on or after exp is refused', () => {
    const window = validityWindow({ exp: 100, nbf: 50 }, rules());
    expect([49_999, 50_000, 99_999, 100_000].map((ms) => outcome(() => assertWithin(window, ms)))).toEqual([
      'token_not_yet_valid',
      'accepted',
      'accepted',
      'token_expired',
    ]);
  });

  test('isWithin says the same at both ends', () => {
    const window = validityWindow({ exp: 100, nbf: 50 }, rules());
    expect([49_999, 50_000, 99_999.9, 100_000].map((ms) => isWithin(window, ms))).toEqual([false, true, true, false]);
  });

  test('with a maximum age, whichever comes first ends it, and says so', () => {
    expect(validityWindow({ exp: 100, iat: 10 }, rules(0, 50))).toMatchObject({ expiresAtMs: 60_000, endsBy: 'token_too_old' });
    expect(validityWindow({ exp: 100, iat: 10 }, rules(0, 500))).toMatchObject({ expiresAtMs: 100_000, endsBy: 'token_expired' });
    expect(outcome(() => assertWithin(validityWindow({ exp: 100, iat: 10 }, rules(0, 50)), 60_000))).toBe('token_too_old');
  });
});

describe('VerifiedToken', () => {
  test('comes from a verifier only', async () => {
    const token = await verifiedToken();
    const copies = [
      { ...token },
      Object.create(token),
      structuredClone({ claims: {} }),
      Object.create(VerifiedToken.prototype),
      null,
      undefined,
      'x',
      {},
    ];
    expect(copies.map((copy) => VerifiedToken.is(copy))).toEqual(copies.map(() => false));
    expect(VerifiedToken.is(token)).toBe(true);
    expect(() => new VerifiedToken({ ...token } as never, Symbol('verified') as never)).toThrow(TypeError);
    expect(() => new (token.constructor as typeof VerifiedToken)({ ...token } as never, undefined as never)).toThrow(TypeError);
  });

  test('cannot be changed, nor anything in it (D6)', async () => {
    const token = await verifiedToken({ roles: ['user'], profile: { admin: false } });
    const attempts: (() => unknown)[] = [
      () => Object.assign(token, { issuer: 'x' }),
      () => Object.assign(token.claims, { sub: 'admin' }),
      () => Object.assign(token.header, { alg: 'none' }),
      () => Object.assign(token.window, { expiresAtMs: Infinity }),
      () => (token.claims.roles as string[]).push('admin'),
      () => Object.assign(token.claims.profile as object, { admin: true }),
      () => Object.setPrototypeOf(token.claims, { admin: true }),
      () => Reflect.deleteProperty(token.claims, 'exp') || Object.defineProperty(token.claims, 'exp', { value: 0 }),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(TypeError);
  });

  test('agrees with its window everywhere, at both ends to the millisecond', async () => {
    for (const change of [
      { exp: NOW + 0.5 },
      { exp: NOW + 10, nbf: NOW - 0.25 },
      { exp: NOW + 8.64e9 },
      { exp: NOW + 1, nbf: -1e9 },
    ]) {
      const token = await verifiedToken(change);
      const { notBeforeMs, expiresAtMs } = token.window;
      const ends = [notBeforeMs, expiresAtMs, NOW * 1000, 0, 2 ** 31 * 1000, NaN, Infinity, -Infinity];
      for (const moment of ends.flatMap((end) => [end - 1000, end - 1, end - 0.5, end, end + 0.5, end + 1, end + 1000])) {
        expect(token.isWithin(moment)).toBe(isWithin(token.window, moment));
      }
    }
  });
});
