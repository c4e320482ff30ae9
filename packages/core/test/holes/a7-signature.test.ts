/** Rows A7, A8, A9, A10 and A11: signatures, critical headers, key look-up, and forms that are no compact JWS. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import * as core from '../../src/index.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { ALGORITHM_NAMES, testKey } from '../support/keys.ts';
import { ISSUER, NOW, makeToken, segment, verifierOf } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

/** Order and field prime of each curve (FIPS 186-4 appendix D). */
const CURVES = [
  [
    'ES256',
    32,
    0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
  ],
  [
    'ES384',
    48,
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
  ],
  [
    'ES512',
    66,
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    2n ** 521n - 1n,
  ],
] as const;

describe('A7: signatures that any key would have made', () => {
  test.each(CURVES)('A7: %s with r, s in {0, 1, n-1, n, n+1, p, 2^k-1}', async (alg, size, n, p) => {
    const key = testKey(alg);
    const values = [0n, 1n, n - 1n, n, n + 1n, p, 2n ** BigInt(size * 8) - 1n];
    const bytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex');
    for (const r of values) {
      for (const s of values) {
        expect(await verdict(verifierOf(key), makeToken(key, { signature: Buffer.concat([bytes(r), bytes(s)]) }))).toBe(
          'signature_invalid',
        );
      }
    }
  });

  test.each(ALGORITHM_NAMES)('A7: %s with a signature of zeros, of ones, of noise, cut off or drawn out (JO-13)', async (alg) => {
    const key = testKey(alg);
    const good = Buffer.from(makeToken(key).split('.')[2]!, 'base64url');
    const hostile = [
      Buffer.alloc(good.length),
      Buffer.alloc(good.length, 0xff),
      randomBytes(good.length),
      Buffer.alloc(0),
      good.subarray(1),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), good]),
      good.subarray(0, good.length / 2),
      Buffer.concat([good, good]),
    ];
    for (const signature of hostile)
      expect(await verdict(verifierOf(key), makeToken(key, { signature }))).toBe('signature_invalid');
  });

  test('A7: a DER signature is not an ES256 signature (JO-13)', async () => {
    const key = testKey('ES256');
    const input = makeToken(key).split('.').slice(0, 2).join('.');
    const { sign } = await import('node:crypto');
    const der = sign('sha256', Buffer.from(input), key.privateKey!);
    expect(await verdict(verifierOf(key), `${input}.${der.toString('base64url')}`)).toBe('signature_invalid');
  });

  test.each([0, 20, 31, 33, 64])('A7: PS256 with a salt of %i bytes is refused (JO-12)', async (saltLength) => {
    const key = testKey('PS256');
    const { constants, sign } = await import('node:crypto');
    const input = makeToken(key).split('.').slice(0, 2).join('.');
    const signature = sign('sha256', Buffer.from(input), {
      key: key.privateKey!,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength,
    });
    expect(await verdict(verifierOf(key), `${input}.${signature.toString('base64url')}`)).toBe('signature_invalid');
  });
});

describe('A8: crit', () => {
  const cases: Record<string, object> = {
    'an unknown name': { crit: ['exp'], exp: 1 },
    'an empty list': { crit: [] },
    'a name twice': { crit: ['x', 'x'], x: 1 },
    'a registered name': { crit: ['alg'] },
    'a name that is absent': { crit: ['missing'] },
    'a string': { crit: 'b64' },
    'b64 false': { crit: ['b64'], b64: false },
    'b64 true': { crit: ['b64'], b64: true },
    'b64 without crit (JO-5)': { b64: true },
    null: { crit: null },
    'a number in the list': { crit: [1] },
    'an object': { crit: { b64: true } },
  };
  test.each(Object.entries(cases))('A8: %s is refused, though the signature is good', async (_, header) => {
    for (const alg of ALGORITHM_NAMES) {
      const key = testKey(alg);
      expect(await verdict(verifierOf(key), makeToken(key, { header: header as never }))).toBe('critical_header');
    }
  });

  test('JO-6: an unknown parameter that is not critical is ignored', async () => {
    const key = testKey('ES256');
    expect(await verdict(verifierOf(key), makeToken(key, { header: { 'x-vendor': { deep: [1] }, cty: 'at', url: 'x' } }))).toBe(
      'accepted',
    );
  });
});

describe('A9: what a key look-up sees', () => {
  test('A9: kid and alg, after the allow-list, and nothing else of the token', async () => {
    const key = testKey('ES256');
    const seen: unknown[][] = [];
    const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const spy = {
      issuer: ISSUER,
      id: 'spy',
      lookup: (...seenNow: Parameters<typeof keys.lookup>) => (seen.push(['lookup', ...seenNow]), keys.lookup(...seenNow)),
      load: (...seenNow: Parameters<typeof keys.load>) => (seen.push(['load', ...seenNow]), keys.load(...seenNow)),
    };
    const verifier = verifierOf(key, { keys: spy });
    await verdict(verifier, makeToken(testKey('RS256')));
    await verdict(verifier, makeToken(key, { header: { typ: 'JWT' } }));
    expect(seen).toEqual([]);
    await verdict(verifier, makeToken(key, { header: { jku: 'https://evil.example', x5u: 'file:///' } }));
    await verdict(verifier, makeToken(key, { header: { kid: 'other' } }));
    expect(seen).toEqual([
      ['lookup', 'ES256', key.kid, NOW * 1000],
      ['lookup', 'ES256', 'other', NOW * 1000],
      ['load', 'ES256', 'other'],
    ]);
  });

  test('A9: there is no way to verify a stream', () => {
    expect(Object.keys(core).filter((name) => /stream|update|chunk/i.test(name))).toEqual([]);
  });
});

describe('A10 and A11: three segments, nothing else', () => {
  const key = testKey('ES256');
  const token = makeToken(key);
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const jwe = { alg: 'dir', enc: 'A256GCM', cty: 'JWT' };
  const inner = `${segment({ alg: 'none' })}.${payload}.`;

  test.each([
    ['a JWE', `${segment(jwe)}..${segment('iviviviviviv')}.${segment(inner)}.${segment('tagtagtagtagtagt')}`],
    ['a JWE under a good header', `${header}.${payload}.${signature}.${payload}.${signature}`],
    ['five empty segments', '....'],
  ])('A10: %s is refused', async (_, five) => {
    expect(await verdict(verifierOf(key), five)).toBe('token_malformed');
  });

  test('A10: a nested token is not looked into (cty JWT)', async () => {
    expect(await verdict(verifierOf(key), makeToken(key, { header: { cty: 'JWT' }, payload: token }))).toBe('json_invalid');
  });

  const flattened = { protected: header, payload, signature };
  test.each<[string, unknown]>([
    ['nothing', ''],
    ['one segment', header],
    ['two', `${header}.${payload}`],
    ['four', `${token}.`],
    ['four at the front', `.${token}`],
    ['six', `${token}.${token}`],
    ['no header', `.${payload}.${signature}`],
    ['no payload', `${header}..${signature}`],
    ['no signature', `${header}.${payload}.`],
    ['dots only', '..'],
    ['the flattened form', JSON.stringify(flattened)],
    ['the general form', JSON.stringify({ payload, signatures: [flattened] })],
    ['compact inside JSON', JSON.stringify({ [`${header}.${payload}.${signature}`]: '' })],
    ['a brace in front', `{${token}`],
    ['JSON that holds two dots', '{"a":"."}.x.y'],
    ['an object', flattened],
    ['a list', [header, payload, signature]],
    ['bytes', Buffer.from(token)],
    ['a String', new String(token)],
    ['an object with toString', { toString: () => token, length: token.length }],
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
    ['true', true],
  ])('A11: %s is refused', async (_, value) => {
    expect(await verdict(verifierOf(key), value)).toMatch(/^(token_malformed|signature_invalid|json_invalid)$/);
  });
});
