import { describe, expect, test } from 'vitest';
import { decodeRevocation, encodeRevocation, readRevocation } from '../../src/revocation/revocation.ts';

const good = { issuer: 'https://issuer.example', jti: 'a', expiresAtMs: 1 };
const { jti: _, ...untargeted } = good;

describe('a revocation is refused', () => {
  test.each<[string, unknown, string]>([
    ['that is no object', 'jti', 'revocation: must be an object'],
    ['without an issuer', { ...good, issuer: undefined }, 'revocation.issuer'],
    ['without an expiry', { ...good, expiresAtMs: undefined }, 'revocation.expiresAtMs'],
    ['with an expiry that is no number', { ...good, expiresAtMs: NaN }, 'revocation.expiresAtMs'],
    ['that never expires', { ...good, expiresAtMs: Infinity }, 'revocation.expiresAtMs'],
    ['without a target', untargeted, 'exactly one of jti, sid, sub, kid'],
    ['with two targets', { ...good, sid: 'b' }, 'exactly one of jti, sid, sub, kid'],
    ['with an empty target', { ...good, jti: '' }, 'revocation.jti'],
    ['with a target that is no text', { ...good, jti: 7 }, 'revocation.jti'],
    ['with a target longer than any token', { ...good, jti: 'a'.repeat(65_537) }, 'revocation.jti'],
    ['of a subject, at no time', { ...untargeted, sub: 'a' }, 'revocation.issuedBefore'],
    ['of a subject, at no number', { ...untargeted, sub: 'a', issuedBefore: NaN }, 'revocation.issuedBefore'],
    ['of one token, at a time', { ...good, issuedBefore: 1 }, 'revocation.issuedBefore'],
    ['with a member that nobody reads', { ...good, reason: 'theft' }, 'revocation.reason: unknown option'],
    ['by the token itself', { ...untargeted, token: 'a.b.c' }, 'revocation.token: unknown option'],
    ['by the hash of a token', { ...untargeted, hash: 'abc' }, 'revocation.hash: unknown option'],
  ])('%s', (_name, value, message) => {
    expect(() => readRevocation(value)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(message) }),
    );
  });

  test('no message holds a value', () => {
    expect(() => readRevocation({ ...good, jti: 'secret-id', sid: 'secret-session' })).not.toThrow(/secret/);
  });

  test.each(['', 'null', '[]', '{"issuer":1}', '{"issuer":"a","jti":"b","expiresAtMs":1,"x":1}'])(
    'read from a log: %s',
    (text) => {
      expect(() => decodeRevocation(text)).toThrow(expect.objectContaining({ code: 'revocation_unavailable' }));
    },
  );
});

describe('a revocation', () => {
  test.each([
    good,
    { ...untargeted, sid: 'b' },
    { ...untargeted, sub: 'c\ud800"\n\u{1f511}', issuedBefore: 12.5 },
    { ...untargeted, kid: 'd' },
  ])('comes back from its text: %j', (revocation) => {
    const read = readRevocation(revocation);
    expect(decodeRevocation(encodeRevocation(read))).toEqual(revocation);
    expect(Object.isFrozen(read)).toBe(true);
  });

  test('has one spelling', () => {
    const backwards = { expiresAtMs: 1, jti: 'a', issuer: 'https://issuer.example', sid: undefined } as never;
    expect(encodeRevocation(backwards)).toBe(encodeRevocation(good));
  });
});
