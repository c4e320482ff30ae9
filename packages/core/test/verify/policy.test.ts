/** A policy is checked once, when it is made. Numbers are in holes/b2-numbers.test.ts, missing options in holes/b4. */
import { describe, expect, test } from 'vitest';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { createTxnVerifier } from '../../src/txn/verify.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { WatchwordError } from '../../src/errors.ts';
import { testKey } from '../support/keys.ts';
import { AUDIENCE, ISSUER, accessClaims, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
const policy = issuerPolicy(key, { keys });

describe('refusals', () => {
  test.each<[string, unknown, string]>([
    ['an unknown option', { issuers: [policy], maxTokenByte: 5 }, 'policy.maxTokenByte: unknown option'],
    ['an unknown option of an issuer', { issuers: [{ ...policy, tolerance: 5 }] }, 'policy.issuers[0].tolerance: unknown option'],
    ['an option that is null', { issuers: [policy], clock: null }, 'policy.clock: must not be null'],
    ['no issuers', {}, 'policy.issuers: must be a non-empty list'],
    ['an empty list of issuers', { issuers: [] }, 'policy.issuers: must be a non-empty list'],
    ['issuers as an object', { issuers: { 0: policy, length: 1 } }, 'policy.issuers: must be a non-empty list'],
    ['an issuer that is null', { issuers: [null] }, 'policy.issuers[0]: must be an object'],
    ['an issuer that is text', { issuers: ['x'] }, 'policy.issuers[0]: must be an object'],
    [
      'the second issuer without audience',
      { issuers: [policy, { ...policy, audience: undefined }] },
      'policy.issuers[1].audience: is required and must not be empty',
    ],
    [
      'an audience that is empty',
      { issuers: [{ ...policy, audience: '' }] },
      'policy.issuers[0].audience: must be a non-empty string',
    ],
    [
      'an audience with an empty member',
      { issuers: [{ ...policy, audience: [AUDIENCE, ''] }] },
      'policy.issuers[0].audience: must be a non-empty string',
    ],
    [
      'no algorithms',
      { issuers: [{ ...policy, algorithms: [] }] },
      'policy.issuers[0].algorithms: is required and must not be empty',
    ],
    [
      'algorithms as text',
      { issuers: [{ ...policy, algorithms: 'ES256' }] },
      'policy.issuers[0].algorithms: is required and must not be empty',
    ],
    [
      'an unknown algorithm',
      { issuers: [{ ...policy, algorithms: ['ES256', 'ES257'] }] },
      'policy.issuers[0].algorithms: not a supported algorithm',
    ],
    [
      'an algorithm in small letters',
      { issuers: [{ ...policy, algorithms: ['es256'] }] },
      'policy.issuers[0].algorithms: not a supported algorithm',
    ],
    [
      'HMAC beside a public-key algorithm',
      { issuers: [{ ...policy, algorithms: ['ES256', 'HS256'] }] },
      'policy.issuers[0].algorithms: HMAC and public-key algorithms must not be mixed',
    ],
    ['keys that are no source', { issuers: [{ ...policy, keys: { keys: [] } }] }, 'policy.issuers[0].keys: must be a key source'],
    [
      'keys of another issuer',
      { issuers: [{ ...policy, issuer: 'https://other.example' }] },
      'policy.issuers[0].keys: belong to another issuer',
    ],
    [
      'required claims as text',
      { issuers: [{ ...policy, requiredClaims: 'sub' }] },
      'policy.issuers[0].requiredClaims: must be a list',
    ],
    [
      'a required claim that is empty',
      { issuers: [{ ...policy, requiredClaims: [''] }] },
      'policy.issuers[0].requiredClaims: must be a non-empty string',
    ],
    ['one issuer twice', { issuers: [policy, policy] }, 'policy.issuers: one issuer stands twice'],
    ['no options', undefined, 'policy: must be an object'],
    ['a list', [policy], 'policy: must be an object'],
  ])('%s', (_, options, message) => {
    expect(() => createVerifier(options as never)).toThrow(
      expect.toSatisfy(
        (error: unknown) => error instanceof WatchwordError && error.code === 'config_invalid' && error.message === message,
        message,
      ),
    );
  });

  test.each([
    { algorithms: ['HS256'] },
    { algorithms: [] },
    { keys },
    { trustDomain: '' },
    { issuer: '' },
    { audience: 'x' },
    { tokenTypes: ['JWT'] },
  ])('of a Txn-Token verifier: %j', (change) => {
    const domainKeys = createLocalKeys({ issuer: 'domain', keys: [key.material] });
    expect(outcome(() => createTxnVerifier({ trustDomain: 'domain', keys: domainKeys }))).toBe('accepted');
    expect(outcome(() => createTxnVerifier({ trustDomain: 'domain', keys: domainKeys, ...change } as never))).toBe(
      'config_invalid',
    );
  });
});

describe('what a policy asks for', () => {
  test.each(['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'])('AT-8: %s is required by default', async (claim) => {
    expect(await verdict(verifierOf(key), makeToken(key, { payload: accessClaims({ [claim]: undefined }) }))).toBe(
      'claim_missing',
    );
  });

  test('required claims can be others', async () => {
    const verifier = verifierOf(key, { requiredClaims: ['tenant'] });
    expect(await verdict(verifier, makeToken(key))).toBe('claim_missing');
    expect(await verdict(verifier, makeToken(key, { payload: accessClaims({ tenant: null }) }))).toBe('accepted');
    expect(
      await verdict(verifier, makeToken(key, { payload: accessClaims({ tenant: 'a', sub: undefined, jti: undefined }) })),
    ).toBe('accepted');
  });

  test('a maximum age needs iat, and counts from it', async () => {
    const verifier = verifierOf(key, { requiredClaims: [], maxTokenAgeSeconds: 5, toleranceSeconds: 0 });
    expect(await verdict(verifier, makeToken(key, { payload: accessClaims({ iat: undefined }) }))).toBe('claim_missing');
    expect(await verdict(verifier, makeToken(key, { payload: accessClaims() }))).toBe('token_too_old');
    expect(await verdict(verifierOf(key, { maxTokenAgeSeconds: 11, toleranceSeconds: 0 }), makeToken(key))).toBe('accepted');
  });

  test('one of several audiences is enough', async () => {
    const verifier = verifierOf(key, { audience: ['https://a.example', AUDIENCE] });
    expect(await verdict(verifier, makeToken(key))).toBe('accepted');
    expect(await verdict(verifier, makeToken(key, { payload: accessClaims({ aud: ['x', 'https://a.example'] }) }))).toBe(
      'accepted',
    );
  });

  test('changing the lists after the policy was made changes nothing', async () => {
    const algorithms: string[] = ['RS256'];
    const audience: string[] = ['https://other.example'];
    const verifier = createVerifier({ issuers: [{ ...policy, algorithms: algorithms as never, audience }], clock });
    algorithms.push('ES256');
    audience.push(AUDIENCE);
    expect(await verdict(verifier, makeToken(key))).toBe('algorithm_not_allowed');
  });
});

describe('policy ids (D2)', () => {
  const idOf = (change: object = {}, options: object = {}): string =>
    createVerifier({ issuers: [{ ...policy, ...change }], clock, ...options }).policyId;

  test('the same policy has the same id, whatever the order of its lists', () => {
    expect(idOf()).toBe(idOf());
    expect(idOf({ audience: ['a', 'b'], algorithms: ['ES256', 'ES384'] })).toBe(
      idOf({ audience: ['b', 'a'], algorithms: ['ES384', 'ES256'] }),
    );
  });

  test('a difference anywhere is a difference of the id', () => {
    const ids = [
      idOf(),
      idOf({ audience: 'a' }),
      idOf({ audience: ['a', 'b'] }),
      idOf({ algorithms: ['ES384'] }),
      idOf({ tokenTypes: ['JWT'] }),
      idOf({ tokenTypes: [null] }),
      idOf({ tokenTypes: ['null'] }),
      idOf({ requiredClaims: [] }),
      idOf({ requiredClaims: ['sub'] }),
      idOf({ toleranceSeconds: 6 }),
      idOf({ maxTokenAgeSeconds: 60 }),
      idOf({}, { maxTokenBytes: 100 }),
      idOf({}, { clock: () => 0 }),
      idOf({ keys: createLocalKeys({ issuer: ISSUER, keys: [key.material] }) }),
      createVerifier({ issuers: [policy, issuerPolicy(key, { issuer: 'https://other.example' })], clock }).policyId,
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
