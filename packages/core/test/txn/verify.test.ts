/** Txn-Tokens at their receiver (Txn-Tokens section 12). */
import { describe, expect, test } from 'vitest';
import { fromRawHeaders } from '../../src/carrier/carrier.ts';
import { Identity } from '../../src/context/identity.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createTxnPipeline } from '../../src/txn/verify.ts';
import { freshKey, testKey } from '../support/keys.ts';
import { AUDIENCE, NOW, clock, makeToken, verifiedToken, verifierOf } from '../support/tokens.ts';
import { DOMAIN, minterOf, txnVerifierOf } from '../support/txn.ts';
import { codeOf, outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256', 'txn');
const keys = createLocalKeys({ issuer: DOMAIN, keys: [key.material] });
const claims = { iat: NOW, exp: NOW + 60, aud: DOMAIN, txn: 'txn-1', sub: 'user-1', scope: 'read', req_wl: 'edge' };
const make = (changes: object = {}, header: object = {}): string =>
  makeToken(key, { header: { typ: 'txntoken+jwt', ...header }, payload: { ...claims, ...changes } });
const check = (token: string): Promise<string> => verdict(txnVerifierOf({ keys }), token);

describe('refusals', () => {
  test.each(['iat', 'exp', 'aud', 'txn', 'sub', 'scope', 'req_wl'])('section 9.2: without %s', async (claim) => {
    expect(await check(make({ [claim]: undefined }))).toBe('claim_missing');
  });

  test.each<[string, object, string]>([
    ['another trust domain (TT-26)', { aud: 'other.internal' }, 'audience_mismatch'],
    ['a domain above', { aud: 'internal' }, 'audience_mismatch'],
    ['a domain below', { aud: `x.${DOMAIN}` }, 'audience_mismatch'],
    ['a service in the place of the domain', { aud: AUDIENCE }, 'audience_mismatch'],
    ['expired', { exp: NOW - 5 }, 'token_expired'],
    ['not yet valid', { nbf: NOW + 6 }, 'token_not_yet_valid'],
    ['an issuer that is not the domain', { iss: 'https://issuer.example' }, 'issuer_not_trusted'],
    ['an issuer of another type', { iss: [DOMAIN] }, 'claim_invalid'],
    ['scope as a list', { scope: ['read'] }, 'claim_invalid'],
    ['req_wl as a list (older drafts)', { req_wl: ['edge'] }, 'claim_invalid'],
    ['an empty transaction id', { txn: '' }, 'claim_invalid'],
    ['tctx as text', { tctx: '{}' }, 'claim_invalid'],
    ['rctx as a list', { rctx: [] }, 'claim_invalid'],
  ])('%s', async (_, change, code) => {
    expect(await check(make(change))).toBe(code);
  });

  test('another key, another domain, another algorithm', async () => {
    expect(await check(makeToken(freshKey('ES256', key.kid), { header: { typ: 'txntoken+jwt' }, payload: claims }))).toBe(
      'signature_invalid',
    );
    expect(await check(makeToken(testKey('RS256'), { header: { typ: 'txntoken+jwt' }, payload: claims }))).toBe(
      'algorithm_not_allowed',
    );
    expect(outcome(() => txnVerifierOf({ keys: createLocalKeys({ issuer: 'other.internal', keys: [key.material] }) }))).toBe(
      'config_invalid',
    );
    expect(outcome(() => txnVerifierOf({ keys, algorithms: ['HS256'] }))).toBe('config_invalid');
  });

  test('TT-28: a Txn-Token is no access token at the edge, even with the key and the claims of one', async () => {
    const edge = verifierOf(key, { issuer: DOMAIN, audience: DOMAIN, requiredClaims: [] });
    expect(await verdict(edge, make({ iss: DOMAIN }))).toBe('type_not_allowed');
  });
});

describe('what is accepted', () => {
  test('the token of our own minter, and its claims', async () => {
    const token = await txnVerifierOf().verify(
      minterOf({ issuer: DOMAIN }).mint({ subject: await verifiedToken(), requestContext: { req_ip: '::1' } }),
    );
    expect(token.claims).toMatchObject({
      sub: 'user-1',
      scope: 'read write',
      req_wl: 'edge',
      aud: DOMAIN,
      rctx: { req_ip: '::1' },
    });
  });

  test('an empty scope, which grants nothing; iss where it is the domain, or the issuer that is configured', async () => {
    expect([await check(make({ scope: '' })), await check(make({ iss: DOMAIN }))]).toEqual(['accepted', 'accepted']);
    const verifier = txnVerifierOf({ keys, issuer: 'https://tts.example' });
    expect([
      await verdict(verifier, make({ iss: 'https://tts.example' })),
      await verdict(verifier, make({ iss: DOMAIN })),
    ]).toEqual(['accepted', 'issuer_not_trusted']);
  });

  test('TT-6: typ in both spellings and any case', async () => {
    for (const typ of ['txntoken+jwt', 'application/txntoken+jwt', 'TxnToken+JWT'])
      expect(await check(make({}, { typ }))).toBe('accepted');
    for (const typ of ['JWT', 'at+jwt', 'txn-token+jwt', undefined])
      expect(await check(make({}, { typ }))).toBe('type_not_allowed');
  });
});

describe('the pipeline of a service', () => {
  const pipeline = createTxnPipeline({ trustDomain: DOMAIN, keys, clock });
  const admit = async (headers: readonly string[], scopes: readonly string[] = []): Promise<string> => {
    try {
      return (await pipeline.admit(fromRawHeaders(headers), { scopes })) instanceof Identity ? 'accepted' : 'no identity';
    } catch (error) {
      return codeOf(error);
    }
  };

  test('TT-25: takes the token from its own field only', async () => {
    expect(await admit(['Authorization', `Bearer ${make()}`])).toBe('token_missing');
    expect(await admit(['Txn-Token', make(), 'Txn-Token', make()])).toBe('token_ambiguous');
    expect(await admit(['Txn-Token', `${make()}, ${make()}`])).toBe('token_ambiguous');
    expect(await admit(['Txn-Token', `Bearer ${make()}`])).toBe('token_ambiguous');
  });

  test('TT-27: the identity carries on the very token that came in', async () => {
    const compact = make();
    const identity = await pipeline.admit(fromRawHeaders(['Txn-Token', compact]));
    expect(Identity.txnTokenOf(identity)).toBe(compact);
    expect(identity.transaction).toBe('txn-1');
  });

  test('scope is checked on each request, cached or not (invariant 1)', async () => {
    const compact = make({ scope: 'read' });
    for (let round = 0; round < 3; round += 1) {
      expect([await admit(['Txn-Token', compact], ['read']), await admit(['Txn-Token', compact], ['read', 'write'])]).toEqual([
        'accepted',
        'scope_insufficient',
      ]);
    }
  });

  test.each([{ cache: true }, { cache: null }, { cache: { entries: 5 } }, { cache: { maxEntries: 0 } }])(
    'a cache of %j is a configuration error',
    (change) => {
      expect(outcome(() => createTxnPipeline({ trustDomain: DOMAIN, keys, ...change } as never))).toBe('config_invalid');
    },
  );
});
