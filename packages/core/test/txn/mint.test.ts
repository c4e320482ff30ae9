/** What goes into a Txn-Token (Txn-Tokens sections 6, 9 and 13), and when there is none. */
import { describe, expect, test } from 'vitest';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { generateSigningKey } from '../../src/keys/signing-key.ts';
import { createTxnMinter } from '../../src/txn/mint.ts';
import { testKey } from '../support/keys.ts';
import { NOW, accessClaims, makeToken, verifiedToken, verifierOf } from '../support/tokens.ts';
import { DOMAIN, minterOf, read, signer, txnVerifierOf } from '../support/txn.ts';
import { outcome } from '../support/verdicts.ts';

const subject = await verifiedToken();

describe('refusals', () => {
  test.each<[string, object]>([
    ['no trust domain', { trustDomain: undefined }],
    ['an empty trust domain', { trustDomain: '' }],
    ['no key', { key: undefined }],
    ['a verification key', { key: signer.verificationKey }],
    ['an HMAC secret (JO-10)', { key: Buffer.alloc(64) }],
    ['no workload', { requestingWorkload: undefined }],
    ['an empty workload', { requestingWorkload: '' }],
    ['a lifetime below 5 s', { lifetimeSeconds: 4.9 }],
    ['a lifetime above 300 s (TT-3)', { lifetimeSeconds: 301 }],
    ['a reuse window as long as the life', { lifetimeSeconds: 60, reuseWindowSeconds: 60 }],
    ['an unknown option', { lifetime: 60 }],
    ['an empty issuer', { issuer: '' }],
    ['a mapping of scope', { claims: { scope: 'roles' } }],
    ['a mapping of sub', { claims: { sub: 'email' } }],
    ['a mapping of txn', { claims: { txn: 'jti' } }],
    ['a mapping of exp', { claims: { exp: 'exp' } }],
    ['a mapping of cnf', { claims: { cnf: 'cnf' } }],
    ['a mapping to nothing', { claims: { role: '' } }],
    ['a mapping to a number', { claims: { role: 5 } }],
    ['a mapping of nothing', { claims: { '': 'x' } }],
    ['a mapping that is a list', { claims: ['role'] }],
    ['a mapping of __proto__', { claims: JSON.parse('{"__proto__":"x"}') }],
  ])('configuration: %s', (_, change) => {
    expect(outcome(() => minterOf(change))).toBe('config_invalid');
  });

  test('invariant 8: a subject that no verifier gave', () => {
    for (const fake of [
      undefined,
      null,
      {},
      { ...subject },
      { claims: accessClaims(), window: subject.window },
      Object.create(subject),
    ]) {
      expect(outcome(() => minterOf().mint({ subject: fake as never }))).toBe('mint_failed');
    }
  });

  test('TT-4: a subject token that has expired meanwhile, to the millisecond', () => {
    const { expiresAtMs } = subject.window;
    expect(outcome(() => minterOf({ clock: () => expiresAtMs }).mint({ subject }))).toBe('token_expired');
    expect(outcome(() => minterOf({ clock: () => expiresAtMs + 1e9 }).mint({ subject }))).toBe('token_expired');
    expect(outcome(() => minterOf({ clock: () => expiresAtMs - 1 }).mint({ subject }))).toBe('accepted');
  });

  test('a subject token that is not valid yet, after the clock stepped back', async () => {
    const later = await verifiedToken({ nbf: NOW });
    expect(outcome(() => minterOf({ clock: () => (NOW - 6) * 1000 }).mint({ subject: later }))).toBe('token_not_yet_valid');
  });

  test('TT-17: scope that the subject token does not grant, in whole or in part', () => {
    for (const scopes of [['admin'], ['read', 'admin'], ['READ'], ['read write'], [''], ['read '], ['*']]) {
      expect(outcome(() => minterOf().mint({ subject, scopes }))).toBe('scope_insufficient');
    }
  });

  test('TT-17: a subject token without scope is not unconstrained', async () => {
    const unscoped = await verifiedToken({ scope: undefined });
    for (const scopes of [undefined, [], ['read']]) {
      expect(outcome(() => minterOf().mint({ subject: unscoped, ...(scopes === undefined ? {} : { scopes }) }))).toBe(
        'scope_unknown',
      );
    }
  });

  test('a subject token without sub', async () => {
    const key = testKey('ES256');
    const nobody = await verifierOf(key, { requiredClaims: [] }).verify(
      makeToken(key, { payload: accessClaims({ sub: undefined }) }),
    );
    expect(outcome(() => minterOf().mint({ subject: nobody }))).toBe('mint_failed');
  });

  test('more than 4096 characters', () => {
    expect(outcome(() => minterOf().mint({ subject, transactionContext: { x: 'x'.repeat(3000) } }))).toBe('mint_failed');
    expect(outcome(() => minterOf().mint({ subject, transactionContext: { x: 'x'.repeat(2500) } }))).toBe('accepted');
  });
});

describe('what is minted', () => {
  test('exactly the claims of section 9.2, and nothing of the subject token beside them (TT-9)', () => {
    const { header, claims } = read(minterOf().mint({ subject }));
    expect(header).toEqual({ alg: 'ES256', typ: 'txntoken+jwt', kid: signer.kid });
    expect(claims).toEqual({
      iat: NOW,
      exp: NOW + 60,
      aud: DOMAIN,
      txn: expect.stringMatching(/^[\w-]{22}$/),
      sub: 'user-1',
      scope: 'read write',
      req_wl: 'edge',
    });
  });

  test('iss, tctx and rctx where they are given', () => {
    const contexts = { requestContext: { req_ip: '192.0.2.1' }, transactionContext: { order: { id: 5 }, list: [1] } };
    const { claims } = read(minterOf({ issuer: 'https://tts.shop.internal' }).mint({ subject, ...contexts }));
    expect(claims).toMatchObject({
      iss: 'https://tts.shop.internal',
      rctx: contexts.requestContext,
      tctx: contexts.transactionContext,
    });
  });

  test('only the claims that are mapped travel, under the name that the mapping gives', async () => {
    const rich = await verifiedToken({ email: 'a@b.example', roles: ['x', { y: 1 }], department: null, constructor: 'c' });
    const { claims } = read(
      minterOf({ claims: { tenant: 'department', role: 'roles', none: 'missing', made: 'constructor', no: 'toString' } }).mint({
        subject: rich,
      }),
    );
    expect(claims).toMatchObject({ tenant: null, role: ['x', { y: 1 }], made: 'c' });
    expect(Object.keys(claims).filter((name) => ['none', 'no', 'email', 'roles', 'jti', 'client_id'].includes(name))).toEqual([]);
  });

  test('TT-17: scope is narrowed to what is asked for, in the order of asking', () => {
    expect(read(minterOf().mint({ subject, scopes: ['write'] })).claims.scope).toBe('write');
    expect(read(minterOf().mint({ subject, scopes: ['write', 'read'] })).claims.scope).toBe('write read');
    expect(read(minterOf().mint({ subject, scopes: [] })).claims.scope).toBe('');
  });

  test('TT-3: the life is as configured, and never reaches beyond the time for which the subject token is accepted', async () => {
    expect(read(minterOf({ lifetimeSeconds: 300 }).mint({ subject: await verifiedToken({ exp: NOW + 900 }) })).claims.exp).toBe(
      NOW + 300,
    );
    const key = testKey('ES256');
    const soon = await verifierOf(key, { toleranceSeconds: 0 }).verify(
      makeToken(key, { payload: accessClaims({ exp: NOW + 20.7 }) }),
    );
    expect(read(minterOf().mint({ subject: soon })).claims.exp).toBe(NOW + 20);
    const aged = await verifierOf(key, { toleranceSeconds: 0, maxTokenAgeSeconds: 25 }).verify(makeToken(key));
    expect(read(minterOf().mint({ subject: aged })).claims.exp).toBe(NOW + 15);
  });

  test('a fraction of a second of the clock does not make iat lie in the future', () => {
    const { iat, exp } = read(minterOf({ clock: () => NOW * 1000 + 999 }).mint({ subject })).claims;
    expect([iat, exp]).toEqual([NOW, NOW + 60]);
  });

  test('TT-8: every transaction has an id of 128 random bits of its own', () => {
    const minter = minterOf({ reuseWindowSeconds: 0 });
    const ids = Array.from({ length: 1000 }, () => read(minter.mint({ subject })).claims.txn);
    expect(new Set(ids).size).toBe(1000);
    expect(read(minterOf({ randomBytes: (size) => Buffer.alloc(size, 0xff) }).mint({ subject })).claims.txn).toBe(
      '_____________________w',
    );
  });

  test.each(['ES256', 'ES384', 'Ed25519', 'RS256', 'PS256'] as const)(
    'verifies in its domain under %s, by the published keys',
    async (alg) => {
      const minter = createTxnMinter({
        trustDomain: DOMAIN,
        key: generateSigningKey(alg),
        requestingWorkload: 'edge',
        clock: () => NOW * 1000,
      });
      const keys = createLocalKeys({ issuer: DOMAIN, jwks: minter.jwks(), algorithms: [alg] });
      const token = await txnVerifierOf({ keys, algorithms: [alg] }).verify(minter.mint({ subject }));
      expect([token.claims.sub, token.issuer]).toEqual(['user-1', DOMAIN]);
    },
  );

  test('a realistic one has at most 437 characters: with name and line end 450 bytes on the wire', async () => {
    const real = await verifiedToken({
      sub: '6f1c2f0e-9a47-4c1d-8f5b-2d3e4c5b6a79',
      scope: 'orders:read orders:write invoices:read',
    });
    for (const scopes of [
      ['orders:read', 'orders:write'],
      ['orders:read', 'orders:write', 'invoices:read'],
    ]) {
      const compact = minterOf({ requestingWorkload: 'edge-gateway' }).mint({ subject: real, scopes });
      expect(compact.length).toBeLessThanOrEqual(437);
      expect(Buffer.byteLength(`Txn-Token: ${compact}\r\n`)).toBeLessThanOrEqual(450);
    }
  });
});
