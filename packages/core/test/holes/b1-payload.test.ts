/** Rows B1, B3, B8, B9 and B10: what a payload and a header may look like, under a good signature. */
import { describe, expect, test } from 'vitest';
import { testKey } from '../support/keys.ts';
import { type Parts, accessClaims, makeToken, verifierOf } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const check = (parts: Parts): Promise<string> => verdict(verifierOf(key), makeToken(key, parts));
const json = JSON.stringify(accessClaims());
/** The good claims with one more member, written as JSON text. */
const withMember = (member: string): string => `${json.slice(0, -1)},${member}}`;
const HEADER = `{"alg":"ES256","typ":"at+jwt","kid":"${key.kid}"`;

describe('B1: a payload that is no object', () => {
  test.each([
    '[]',
    '1',
    '"x"',
    'null',
    'true',
    'false',
    '""',
    '',
    ' ',
    '[{"iss":"x"}]',
    `[${json}]`,
    JSON.stringify(json),
    'undefined',
    'NaN',
    `${json}${json}`,
    `${json},`,
    `/**/${json}`,
    "{'iss':1}",
  ])('B1: %s is refused as payload and as header', async (text) => {
    expect(await check({ payload: text })).toBe('json_invalid');
    // Without a first segment there are no three.
    if (text !== '') expect(await check({ header: text })).toBe('json_invalid');
  });
});

describe('B3: time claims are finite numbers within the range of dates', () => {
  const values = [
    '1e400',
    '-1e400',
    '8640000000001',
    '-8640000000001',
    '1.8e308',
    '"1800000300"',
    '[1800000300]',
    '{}',
    'true',
    'false',
    'null',
    '""',
  ];
  test.each(['exp', 'nbf', 'iat'].flatMap((claim) => values.map((value) => [claim, value] as const)))(
    'B3: %s %s is refused',
    async (claim, value) => {
      const { [claim]: _, ...others } = accessClaims();
      expect(await check({ payload: `${JSON.stringify(others).slice(0, -1)},"${claim}":${value}}` })).toBe('claim_invalid');
    },
  );

  test('B3: numbers that JSON has no word for are no JSON', async () => {
    for (const value of ['NaN', 'Infinity', '-Infinity', '0x6b49d200', '1_800', '+1800000300', '01800000300', '.5', '1.']) {
      const { exp: _, ...others } = accessClaims();
      expect(await check({ payload: `${JSON.stringify(others).slice(0, -1)},"exp":${value}}` })).toBe('json_invalid');
    }
  });

  test('B3: fractions and exponents are numbers like others (JO-8)', async () => {
    const { exp: _, ...others } = accessClaims();
    for (const value of ['1800000300.75', '1.8000003e9', '18000003E2']) {
      expect(await check({ payload: `${JSON.stringify(others).slice(0, -1)},"exp":${value}}` })).toBe('accepted');
    }
  });
});

describe('B8: a name that stands twice in one object', () => {
  const claims = ['iss', 'aud', 'sub', 'exp', 'iat', 'jti', 'scope', 'client_id'];
  test.each(claims)('B8: %s twice, with the same and with another value, plain and escaped', async (claim) => {
    const value = JSON.stringify(accessClaims()[claim]);
    const escaped = `\\u00${claim.charCodeAt(0).toString(16)}${claim.slice(1)}`;
    for (const again of [`"${claim}":${value}`, `"${claim}":"other"`, `"${escaped}":${value}`, `"${claim}" : ${value}`]) {
      expect(await check({ payload: withMember(again) })).toBe('json_invalid');
      expect(await check({ payload: `{${again},${json.slice(1)}` })).toBe('json_invalid');
    }
  });

  test.each(['"x":{"a":1,"a":2}', '"x":[{"a":[{"b":0,"b":0}]}]', '"x":{"":1,"":1}', '"x":{"1":1,"1":1}', '"x":1,"x":1'])(
    'B8: at any depth: %s',
    async (member) => {
      expect(await check({ payload: withMember(member) })).toBe('json_invalid');
      expect(await check({ header: `${HEADER},${member}}` })).toBe('json_invalid');
    },
  );

  test.each(['alg', 'typ', 'kid'])('B8: %s twice in the header', async (name) => {
    for (const value of ['"ES256"', '"none"', '"at+jwt"', 'null'])
      expect(await check({ header: `${HEADER},"${name}":${value}}` })).toBe('json_invalid');
  });

  test('B8: one name in different objects, and names that differ in case, are different', async () => {
    expect(await check({ payload: withMember('"x":{"iss":1,"a":{"iss":2}},"y":[{"iss":3},{"iss":4}],"ISS":5,"Iss":6') })).toBe(
      'accepted',
    );
  });
});

describe('B9: text that two parsers read differently', () => {
  const bytes = (text: string, ...raw: number[]): Buffer => Buffer.concat([Buffer.from(text), Buffer.from(raw)]);
  const inString = (...raw: number[]): Buffer =>
    Buffer.concat([bytes(`${json.slice(0, -1)},"x":"`), Buffer.from(raw), Buffer.from('"}')]);

  test.each<[string, Buffer]>([
    ['a byte order mark', bytes('', 0xef, 0xbb, 0xbf, ...Buffer.from(json))],
    ['UTF-16, little-endian', Buffer.from(json, 'utf16le')],
    ['UTF-16 with a byte order mark', Buffer.from(`\ufeff${json}`, 'utf16le')],
    ['a lone continuation byte', inString(0x80)],
    ['a truncated sequence', inString(0xe2, 0x82)],
    ['an overlong slash', inString(0xc0, 0xaf)],
    ['an overlong NUL', inString(0xc0, 0x80)],
    ['a surrogate as UTF-8', inString(0xed, 0xa0, 0x80)],
    ['a pair of surrogates as UTF-8 (CESU-8)', inString(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
    ['a code point beyond U+10FFFF', inString(0xf4, 0x90, 0x80, 0x80)],
    ['the byte FF', inString(0xff)],
    ['Latin-1', inString(0xe9)],
    ['a raw control character', inString(0x0a)],
    ['a raw NUL', inString(0x00)],
    ['bytes behind the end', bytes(json, 0x00)],
    ['a vertical tab outside', bytes(json, 0x0b)],
    ['a no-break space outside', bytes(json, 0xc2, 0xa0)],
  ])('B9: %s is refused', async (_, payload) => {
    expect(await check({ payload })).toBe('json_invalid');
  });

  test.each(['sub', 'jti', 'client_id', 'scope', 'x'])(
    'B9: a lone surrogate in %s, escaped, as value and in a name',
    async (claim) => {
      const { [claim]: _, ...others } = accessClaims();
      for (const lone of [
        String.raw`\ud800`,
        String.raw`\udc00`,
        String.raw`a\uDFFFb`,
        String.raw`\ud83dx`,
        String.raw`\ude00\ud83d`,
      ]) {
        expect(await check({ payload: `${JSON.stringify(others).slice(0, -1)},"${claim}":"${lone}"}` })).toBe('json_invalid');
        expect(await check({ payload: withMember(`"${lone}":1`) })).toBe('json_invalid');
        expect(await check({ header: `${HEADER},"y":"${lone}"}` })).toBe('json_invalid');
      }
    },
  );

  test('B9: what is well-formed is accepted: pairs of surrogates, NUL as escape, noncharacters, unusual white space between members', async () => {
    for (const member of [
      String.raw`"x":"\ud83d\ude00"`,
      String.raw`"x":"\u0000"`,
      '"x":"\uffff\ufdd0"',
      '"x":"\u2028"',
      ' \t\r\n "x" \n:\t1 ',
    ]) {
      expect(await check({ payload: withMember(member) })).toBe('accepted');
    }
  });

  test('B9: texts that look alike are different: issuers are compared by code point', async () => {
    for (const iss of [
      'https://issuer.example\u0000',
      'https://\u0456ssuer.example',
      'https://issuer.ex\u00adample',
      'https://i\u017f\u017fuer.example',
    ]) {
      expect(await check({ payload: accessClaims({ iss }) })).toBe('issuer_not_trusted');
    }
  });
});

describe('B10: prototypes', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

  test('B10: after 1000 hostile tokens no object has changed', async () => {
    const hostile = [
      '"__proto__":{"admin":true}',
      '"x":{"__proto__":{"admin":true}}',
      String.raw`"\u005f_proto__":{"admin":true}`,
      '"constructor":{"prototype":{"admin":true}}',
      '"x":[{"constructor":{"prototype":{"admin":true}}}]',
    ];
    for (let round = 0; round < 100; round += 1) {
      for (const member of hostile) {
        await check({ payload: withMember(member) });
        await check({ header: `${HEADER},${member}}` });
      }
    }
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('B10: __proto__ is refused at any depth, in payload and header', async () => {
    for (const member of [
      '"__proto__":{}',
      '"__proto__":null',
      '"x":{"y":[{"__proto__":1}]}',
      String.raw`"\u005f\u005fproto__":1`,
    ]) {
      expect(await check({ payload: withMember(member) })).toBe('json_invalid');
      expect(await check({ header: `${HEADER},${member}}` })).toBe('json_invalid');
    }
  });

  test('B10: claims have no prototype at any depth, and are frozen', async () => {
    const { claims, header } = await verifierOf(key).verify(makeToken(key, { payload: withMember('"x":{"y":[{"z":1}]}') }));
    const inner = (claims.x as { y: object[] }).y[0]!;
    for (const object of [claims, header, claims.x as object, inner]) {
      expect(Object.getPrototypeOf(object)).toBeNull();
      expect(Object.isFrozen(object)).toBe(true);
    }
    for (const name of NAMES) expect(claims[name]).toBeUndefined();
  });

  test.each(NAMES)('B10: the key id %s is unknown', async (kid) => {
    expect(await check({ header: { kid } })).toBe('key_unknown');
    expect(await check({ header: { alg: kid } })).toBe('algorithm_not_allowed');
    expect(await check({ header: { typ: kid } })).toBe('type_not_allowed');
  });

  test.each(NAMES)('B10: a required claim called %s is missing, not inherited', async (name) => {
    expect(await verdict(verifierOf(key, { requiredClaims: [name] }), makeToken(key))).toBe('claim_missing');
  });
});
