/** Types of registered claims beyond those of holes/b1 and b4, and the spelling of typ. */
import { describe, expect, test } from 'vitest';
import { scopeValues } from '../../src/verify/scopes.ts';
import { normalizeType } from '../../src/verify/token-type.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, makeToken, verifierOf } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const check = (changes: object): Promise<string> =>
  verdict(verifierOf(key), makeToken(key, { payload: accessClaims(changes as never) }));

describe('registered claims', () => {
  test.each<[string, readonly unknown[], readonly unknown[]]>([
    ['scope', [['read'], 5, null, true, {}], ['', 'read', 'a b c', ' a  b ']],
    ['txn', ['', 5, null, ['x']], ['t']],
    ['req_wl', ['', 5, null, ['x']], ['w']],
    ['tctx', ['{}', [], null, 5], [{}, { a: [1] }]],
    ['rctx', ['{}', [], null, 5], [{}]],
    ['cnf', ['x', [], null, 5], [{ jkt: 'x' }]],
    ['nbf', ['0', null, [0], 8.64e12 + 1], [0, -1, 8.64e11 - 8.64e11, 1.5]],
  ])('%s', async (claim, bad, good) => {
    for (const value of bad) expect(await check({ [claim]: value })).toBe('claim_invalid');
    for (const value of good) expect(await check({ [claim]: value })).toBe('accepted');
  });

  test('claims that nobody registered may be anything', async () => {
    for (const value of [null, 5, '', [], {}, [[{}]], false])
      expect(await check({ 'https://example/claim': value })).toBe('accepted');
  });
});

describe('scopeValues (RFC 8693 section 4.2)', () => {
  test.each<[string | undefined, readonly string[]]>([
    [undefined, []],
    ['', []],
    [' ', []],
    ['a', ['a']],
    ['a b', ['a', 'b']],
    [' a  b ', ['a', 'b']],
    ['a\tb', ['a\tb']],
    ['a,b', ['a,b']],
    ['a a', ['a', 'a']],
  ])('%j', (scope, values) => {
    expect(scopeValues(scope)).toEqual(values);
    expect(Object.isFrozen(scopeValues(scope))).toBe(true);
  });
});

describe('normalizeType (RFC 7515 section 4.1.9)', () => {
  test.each([
    ['at+jwt', 'at+jwt'],
    ['AT+JWT', 'at+jwt'],
    ['application/at+jwt', 'at+jwt'],
    ['Application/AT+JWT', 'at+jwt'],
    ['application/a/b', 'application/a/b'],
    ['text/plain', 'text/plain'],
    ['application/', ''],
    [' at+jwt', ' at+jwt'],
    ['application/application/x', 'application/application/x'],
  ])('%j is %j', (type, normal) => expect(normalizeType(type)).toBe(normal));
});
