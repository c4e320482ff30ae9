/** Rows B4, B5, B6, B7 and B14: whose token, for whom, and by whose key. */
import { describe, expect, test } from 'vitest';
import { extractBearer, extractTxnToken } from '../../src/carrier/extract.ts';
import { fromRawHeaders } from '../../src/carrier/carrier.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { authorize } from '../../src/pipeline.ts';
import { createPropagator } from '../../src/outgoing/propagator.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { freshKey, testKey } from '../support/keys.ts';
import { AUDIENCE, ISSUER, accessClaims, clock, issuerPolicy, makeToken, verifiedToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const withClaims = (claims: object): string => makeToken(key, { payload: accessClaims(claims as never) });

describe('B4: shapes of iss and aud', () => {
  const single = verifierOf(key);
  const several = createVerifier({
    issuers: [issuerPolicy(key), issuerPolicy(freshKey('ES256'), { issuer: 'https://other.example' })],
    clock,
  });

  test.each<[string, unknown, string]>([
    ['missing', undefined, 'claim_missing'],
    ['a list of it', [ISSUER], 'claim_invalid'],
    ['a list with it first', [ISSUER, 'https://evil.example'], 'claim_invalid'],
    ['a list with it last', ['https://evil.example', ISSUER], 'claim_invalid'],
    ['an object', { [ISSUER]: true }, 'claim_invalid'],
    ['a number', 5, 'claim_invalid'],
    ['true', true, 'claim_invalid'],
    ['null', null, 'claim_invalid'],
    ['empty', '', 'claim_invalid'],
    ['a beginning of it', ISSUER.slice(0, -1), 'issuer_not_trusted'],
    ['more than it', `${ISSUER}/`, 'issuer_not_trusted'],
    ['it as a host of another', `${ISSUER}.evil.example`, 'issuer_not_trusted'],
    ['it with user information', `${ISSUER}@evil.example`, 'issuer_not_trusted'],
    ['it in capitals', ISSUER.toUpperCase(), 'issuer_not_trusted'],
    ['it with white space', ` ${ISSUER}`, 'issuer_not_trusted'],
    ['it with a newline', `${ISSUER}\n`, 'issuer_not_trusted'],
  ])('B4: iss %s is refused, with one trusted issuer and with two', async (_, iss, code) => {
    expect(await verdict(single, withClaims({ iss }))).toBe(code);
    // With several issuers, iss selects the rules first: what selects none is trusted by none.
    expect(await verdict(several, withClaims({ iss }))).toBe('issuer_not_trusted');
  });

  test.each<[string, unknown, string]>([
    ['the audience', AUDIENCE, 'accepted'],
    ['a list of it', [AUDIENCE], 'accepted'],
    ['a list that contains it', ['https://other.example', AUDIENCE], 'accepted'],
    ['missing', undefined, 'claim_missing'],
    ['another', 'https://other.example', 'audience_mismatch'],
    ['a list of others', ['https://other.example', 'x'], 'audience_mismatch'],
    ['an empty list', [], 'claim_invalid'],
    ['an empty string', '', 'claim_invalid'],
    ['a list with a number', [AUDIENCE, 5], 'claim_invalid'],
    ['a list with null', [AUDIENCE, null], 'claim_invalid'],
    ['a list in a list', [[AUDIENCE]], 'claim_invalid'],
    ['a list with an empty string', [AUDIENCE, ''], 'claim_invalid'],
    ['an object', { [AUDIENCE]: AUDIENCE }, 'claim_invalid'],
    ['an object like a list', { 0: AUDIENCE, length: 1 }, 'claim_invalid'],
    ['a number', 5, 'claim_invalid'],
    ['true', true, 'claim_invalid'],
    ['null', null, 'claim_invalid'],
    ['a beginning of it', AUDIENCE.slice(0, -1), 'audience_mismatch'],
    ['more than it', `${AUDIENCE}/v1`, 'audience_mismatch'],
    ['it in capitals', AUDIENCE.toUpperCase(), 'audience_mismatch'],
    ['two in one string', `${AUDIENCE} x`, 'audience_mismatch'],
    ['a star', '*', 'audience_mismatch'],
  ])('B4: aud %s', async (_, aud, code) => {
    expect(await verdict(single, withClaims({ aud }))).toBe(code);
    expect(await verdict(several, withClaims({ aud }))).toBe(code);
  });

  test.each(['sub', 'client_id', 'jti'])('B4: %s is non-empty text', async (claim) => {
    for (const value of ['', 5, null, true, [], {}, ['x']])
      expect(await verdict(single, withClaims({ [claim]: value }))).toBe('claim_invalid');
    expect(await verdict(single, withClaims({ [claim]: undefined }))).toBe('claim_missing');
  });
});

describe('B5: nothing is optional by default', () => {
  test.each(['issuer', 'audience', 'algorithms', 'keys'])('B5: a policy without %s is a configuration error', (option) => {
    for (const value of [undefined, null, '', [], {}, 0, false]) {
      expect(outcome(() => verifierOf(key, { [option]: value } as never))).toBe('config_invalid');
    }
    const { [option as 'issuer']: _, ...rest } = issuerPolicy(key);
    expect(outcome(() => createVerifier({ issuers: [rest as never] }))).toBe('config_invalid');
  });

  test.each(['iss', 'aud', 'exp'])('B5: %s is required even where requiredClaims is empty', async (claim) => {
    expect(await verdict(verifierOf(key, { requiredClaims: [] }), withClaims({ [claim]: undefined }))).toBe('claim_missing');
  });

  test.each(['Basic', 'Token', 'JWT', 'MAC', 'Bearer:', 'Bearers', 'XBearer', 'DPoP', ''])(
    'B5: the scheme %s is not Bearer',
    (scheme) => {
      expect(outcome(() => extractBearer(fromRawHeaders(['Authorization', `${scheme} a.b.c`])))).toMatch(/scheme_unsupported/);
    },
  );

  test('B5: exactly one Authorization, in any case, with exactly one token', () => {
    expect(extractBearer(fromRawHeaders(['aUTHORIZATION', 'bEARER a.b.c']))).toBe('a.b.c');
    for (const raw of [
      ['Authorization', 'Bearer a.b.c', 'authorization', 'Bearer a.b.c'],
      ['Authorization', 'Bearer a.b.c, Bearer d.e.f'],
      ['Authorization', 'Bearer a.b.c d.e.f'],
    ]) {
      expect(outcome(() => extractBearer(fromRawHeaders(raw)))).toBe('token_ambiguous');
    }
  });

  test('B5: a Txn-Token is not looked for in Authorization, nor a bearer token in Txn-Token (TT-28)', () => {
    expect(outcome(() => extractTxnToken(fromRawHeaders(['Authorization', 'Bearer a.b.c'])))).toBe('token_missing');
    expect(outcome(() => extractBearer(fromRawHeaders(['Txn-Token', 'a.b.c'])))).toBe('token_missing');
  });
});

describe('B6: no regular expressions', () => {
  test.each(['issuer', 'audience', 'algorithms', 'tokenTypes', 'requiredClaims'])('B6: %s takes none', (option) => {
    for (const value of [/.*/, [/.*/], [/.*/.source, /.*/]])
      expect(outcome(() => verifierOf(key, { [option]: value } as never))).toBe('config_invalid');
  });

  test('B6: text is compared as text, whatever it looks like', async () => {
    const verifier = verifierOf(key, { audience: ['https://.*', '.*', '*', '^'] });
    expect(await verdict(verifier, withClaims({}))).toBe('audience_mismatch');
    expect(await verdict(verifier, withClaims({ aud: '.*' }))).toBe('accepted');
    expect(outcome(() => createPropagator({ destinations: [/https:\/\/.*/ as never] }))).toBe('config_invalid');
  });
});

describe('B7: claims are matched whole', () => {
  test.each([
    'https://evil.example@api.example',
    'https://api.example@evil.example',
    'a@evil.example@api.example',
    'api.example',
    'https://x.api.example',
  ])('B7: aud %s', async (aud) => {
    expect(await verdict(verifierOf(key), withClaims({ aud }))).toBe('audience_mismatch');
  });

  test.each(['write:all', 'rewrite', 'write\u0000', 'WRITE', 'read,write', 'read\twrite', 'write;', '*'])(
    'B7: the scope "%s" does not grant write',
    async (scope) => {
      const token = await verifiedToken({ scope });
      expect(outcome(() => authorize(token, { scopes: ['write'] }))).toBe('scope_insufficient');
    },
  );
});

describe('B14: a key of one issuer never verifies another (Storm-0558)', () => {
  const names = Array.from({ length: 8 }, (_, index) => `https://issuer-${index}.example`);
  // All under one key id: the look-up must not go by kid alone.
  const keys = names.map(() => freshKey('ES256', 'same-kid'));
  const verifier = createVerifier({ issuers: names.map((issuer, index) => issuerPolicy(keys[index]!, { issuer })), clock });

  test('B14: 8 issuers x 8 keys, one key id: only the diagonal is accepted', async () => {
    for (const [index, iss] of names.entries()) {
      const verdicts = await Promise.all(
        keys.map((one) => verdict(verifier, makeToken(one, { payload: accessClaims({ iss }) }))),
      );
      expect(verdicts).toEqual(names.map((_, at) => (at === index ? 'accepted' : 'signature_invalid')));
    }
  });

  test('B14: a key source cannot be given to another issuer', () => {
    const other = createLocalKeys({ issuer: 'https://other.example', keys: [key.material] });
    expect(outcome(() => verifierOf(key, { keys: other }))).toBe('config_invalid');
  });

  test('B14: algorithms, audience and types are those of the issuer, not of any issuer (JB-3)', async () => {
    const rsa = testKey('RS256');
    const strict = createVerifier({
      issuers: [
        issuerPolicy(key),
        issuerPolicy(rsa, { issuer: 'https://rsa.example', audience: 'https://rsa-api.example', tokenTypes: ['JWT'] }),
      ],
      clock,
    });
    const rsaClaims = { iss: 'https://rsa.example', aud: 'https://rsa-api.example' };
    expect(await verdict(strict, makeToken(rsa, { header: { typ: 'JWT' }, payload: accessClaims(rsaClaims) }))).toBe('accepted');
    expect(await verdict(strict, makeToken(rsa, { payload: accessClaims(rsaClaims) }))).toBe('type_not_allowed');
    expect(
      await verdict(strict, makeToken(rsa, { header: { typ: 'JWT' }, payload: accessClaims({ ...rsaClaims, aud: AUDIENCE }) })),
    ).toBe('audience_mismatch');
    expect(await verdict(strict, makeToken(rsa, { header: { typ: 'JWT' }, payload: accessClaims() }))).toBe(
      'algorithm_not_allowed',
    );
  });

  test('B14: one issuer stands once in a policy', () => {
    expect(outcome(() => createVerifier({ issuers: [issuerPolicy(key), issuerPolicy(key)], clock }))).toBe('config_invalid');
  });
});
