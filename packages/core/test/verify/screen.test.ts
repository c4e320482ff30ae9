/** The cheap half of a verification: it refuses what a verifier would refuse for anything but the signature, and trusts nothing. */
import { describe, expect, test } from 'vitest';
import { createKnownBadMemory } from '../../src/cache/known-bad.ts';
import { createScreen } from '../../src/verify/screen.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER, NOW, accessClaims, clock, issuerPolicy, makeToken, segment } from '../support/tokens.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { codeOf, verdict } from '../support/verdicts.ts';

const key = testKey('ES256', 'a');
const stranger = testKey('ES256', 'z');
const options = { issuers: [issuerPolicy(key)], clock };
const screen = createScreen(options);

async function screened(token: unknown, by = screen): Promise<string> {
  try {
    const { issuer } = await by(token as string);
    return `passes for ${issuer}`;
  } catch (error) {
    return codeOf(error);
  }
}

const withClaims = (changes: object): string => makeToken(key, { payload: accessClaims(changes as never) });
const [header, payload] = makeToken(key).split('.') as [string, string];

describe('turned away', () => {
  test.each<[string, unknown, string]>([
    ['no text', undefined, 'token_malformed'],
    ['too long', 'x'.repeat(9000), 'token_too_large'],
    ['no token', 'a.b', 'token_malformed'],
    ['alg none', `${segment({ alg: 'none', typ: 'at+jwt' })}.${payload}.`, 'algorithm_not_allowed'],
    ['another algorithm', makeToken(testKey('RS256', 'a')), 'algorithm_not_allowed'],
    ['another type', makeToken(key, { header: { typ: 'logout+jwt' } }), 'type_not_allowed'],
    ['a key that nobody has', makeToken(stranger), 'key_unknown'],
    ['another issuer', withClaims({ iss: 'https://elsewhere.example' }), 'issuer_not_trusted'],
    ['another audience', withClaims({ aud: 'elsewhere' }), 'audience_mismatch'],
    ['expired', withClaims({ exp: NOW - 100 }), 'token_expired'],
    ['not yet good', withClaims({ nbf: NOW + 100 }), 'token_not_yet_valid'],
    ['no expiry', withClaims({ exp: undefined }), 'claim_missing'],
    ['bound to a sender', withClaims({ cnf: { jkt: 'x' } }), 'sender_constrained'],
    ['a payload that is no object', `${header}.${segment([])}.AAAA`, 'json_invalid'],
  ])('%s', async (_, token, code) => {
    expect(await screened(token)).toBe(code);
  });

  test('known to be bad, by the memory that verifications fill', async () => {
    const memory = createKnownBadMemory();
    const bad = makeToken(key, { signature: Buffer.alloc(64, 7) });
    const guarded = createScreen({ ...options, isKnownBad: (compact, found) => memory.isBad(compact, found) });
    expect(await screened(bad, guarded)).toBe(`passes for ${ISSUER}`);
    expect(await verdict(createVerifier({ ...options, checks: memory }), bad)).toBe('signature_invalid');
    expect(await screened(bad, guarded)).toBe('signature_invalid');
    expect(await screened(makeToken(key), guarded)).toBe(`passes for ${ISSUER}`);
  });

  test('while the keys cannot be had: not the fault of the token', async () => {
    const keys = { ...issuerPolicy(key).keys, lookup: () => undefined, load: () => Promise.reject(new Error('away')) };
    expect(await screened(makeToken(key), createScreen({ issuers: [issuerPolicy(key, { keys })], clock }))).not.toMatch(
      /^passes/,
    );
  });
});

describe('let past', () => {
  test('without a single signature check: a forged one too, which only a verifier can tell', async () => {
    const forged = makeToken(key, { signature: Buffer.alloc(64, 7) });
    const count = await signatureChecks(async () => {
      expect(await screened(makeToken(key))).toBe(`passes for ${ISSUER}`);
      expect(await screened(forged)).toBe(`passes for ${ISSUER}`);
    });
    expect(count).toBe(0);
    expect(await verdict(createVerifier(options), forged)).toBe('signature_invalid');
  });

  test('at once when the key is known', () => {
    expect(screen(makeToken(key))).not.toBeInstanceOf(Promise);
  });
});
