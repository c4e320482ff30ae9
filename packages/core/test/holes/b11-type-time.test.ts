/** Rows B11 and B13: what kind of token, and when. */
import { describe, expect, test } from 'vitest';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createTxnVerifier } from '../../src/txn/verify.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER, NOW, accessClaims, clock, issuerPolicy, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const TYPES = ['at+jwt', 'txntoken+jwt', 'JWT', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 'statuslist+jwt', 'wit+jwt', null];
const typed = (typ: unknown): string => makeToken(key, { header: { typ: typ ?? undefined } });

describe('B11: kinds of token do not stand in for each other', () => {
  test.each(TYPES)('B11: a verifier for %s takes this one of the kinds and no other', async (type) => {
    const verifier = verifierOf(key, { tokenTypes: [type] });
    const verdicts = await Promise.all(TYPES.map((other) => verdict(verifier, typed(other))));
    expect(verdicts).toEqual(TYPES.map((other) => (other === type ? 'accepted' : 'type_not_allowed')));
  });

  test('B11: the default is at+jwt, in any case, with and without application/ (AT-1, JB-12)', async () => {
    const verifier = verifierOf(key);
    for (const typ of ['at+jwt', 'at+JWT', 'AT+JWT', 'application/at+jwt', 'Application/AT+jwt'])
      expect(await verdict(verifier, typed(typ))).toBe('accepted');
    for (const typ of [
      'jwt',
      'application/jwt',
      'at+jwt ',
      'at+jwt;x=y',
      'application/application/at+jwt',
      'text/at+jwt',
      '/at+jwt',
      'at',
      '',
      null,
      'at+jwt\0',
    ]) {
      expect(await verdict(verifier, typed(typ))).toBe('type_not_allowed');
    }
    for (const typ of [5, true, ['at+jwt'], {}]) expect(await verdict(verifier, typed(typ))).toBe('header_invalid');
  });

  test('B11: an access token is no Txn-Token, even under the same key and with all its claims (TT-28, JB-13)', async () => {
    const txn = createTxnVerifier({
      trustDomain: ISSUER,
      keys: createLocalKeys({ issuer: ISSUER, keys: [key.material] }),
      clock,
    });
    const payload = accessClaims({ aud: ISSUER, txn: 'txn-1', req_wl: 'edge' });
    const verdicts = await Promise.all(
      TYPES.map((typ) => verdict(txn, makeToken(key, { header: { typ: typ ?? undefined }, payload }))),
    );
    expect(verdicts).toEqual(TYPES.map((type) => (type === 'txntoken+jwt' ? 'accepted' : 'type_not_allowed')));
    expect(await verdict(txn, makeToken(key, { header: { typ: 'application/TxnToken+JWT' }, payload }))).toBe('accepted');
  });

  test.each([[[]], [['']], ['at+jwt'], [[5]], [{}], [null]])('B11: tokenTypes %j is a configuration error', (tokenTypes) => {
    expect(outcome(() => verifierOf(key, { tokenTypes: tokenTypes as never }))).toBe('config_invalid');
  });
});

describe('B13: clocks', () => {
  const DAY = 86_400;
  const token = makeToken(key, { payload: accessClaims({ nbf: NOW, iat: NOW, exp: NOW + 600 }) });
  const at = (seconds: number, tolerance: number): Promise<string> =>
    verdict(
      createVerifier({ issuers: [issuerPolicy(key, { toleranceSeconds: tolerance })], clock: () => seconds * 1000 }),
      token,
    );

  test.each([0, 1, 5, 60, 300])(
    'B13: with a tolerance of %i s, from a day before to a day after, to the millisecond',
    async (tolerance) => {
      const from = NOW - tolerance;
      const until = NOW + 600 + tolerance;
      for (const moment of [NOW - DAY, from - 60, from - 1, from - 0.001])
        expect(await at(moment, tolerance)).toBe('token_not_yet_valid');
      for (const moment of [from, from + 0.001, NOW, NOW + 300, until - 1, until - 0.001])
        expect(await at(moment, tolerance)).toBe('accepted');
      for (const moment of [until, until + 0.001, until + 60, NOW + DAY])
        expect(await at(moment, tolerance)).toBe('token_expired');
    },
  );

  test('B13: a clock that steps back, stands still or jumps is taken as it is, at each verification', async () => {
    let now = NOW;
    const verifier = createVerifier({ issuers: [issuerPolicy(key)], clock: () => now * 1000 });
    const seen: string[] = [];
    for (const step of [0, 700, -700, -30, 30, 0, 0, DAY, -DAY, 604, 1]) {
      now += step;
      seen.push(await verdict(verifier, token));
    }
    expect(seen).toEqual([
      'accepted',
      'token_expired',
      'accepted',
      'token_not_yet_valid',
      'accepted',
      'accepted',
      'accepted',
      'token_expired',
      'accepted',
      'accepted',
      'token_expired',
    ]);
  });

  test('B13: fractions of a second count; a window that ends before it begins holds never', async () => {
    const half = makeToken(key, { payload: accessClaims({ exp: NOW + 0.5 }) });
    const verifier = (nowMs: number): ReturnType<typeof createVerifier> =>
      createVerifier({ issuers: [issuerPolicy(key, { toleranceSeconds: 0 })], clock: () => nowMs });
    expect(await verdict(verifier(NOW * 1000 + 499), half)).toBe('accepted');
    expect(await verdict(verifier(NOW * 1000 + 500), half)).toBe('token_expired');
    const never = makeToken(key, { payload: accessClaims({ nbf: NOW + 100, exp: NOW + 50 }) });
    for (const moment of [0, 49, 50, 75, 100, 200])
      expect(await verdict(verifier((NOW + moment) * 1000), never)).not.toBe('accepted');
  });
});
