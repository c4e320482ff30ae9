/** Rows A1, A3, A4 and A5: who decides the algorithm and the key. Never the token. */
import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { KeySource } from '../../src/keys/key-source.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { type KeyMaterial, createVerificationKey } from '../../src/keys/verification-key.ts';
import { verifyJws } from '../../src/jws/jws.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { ALGORITHM_NAMES, ASYMMETRIC, freshKey, secretKey, testKey } from '../support/keys.ts';
import { ISSUER, issuerPolicy, makeToken, segment, verifierOf, accessClaims } from '../support/tokens.ts';
import { codeOf, outcome, tally, verdict } from '../support/verdicts.ts';

describe('A1: alg none', () => {
  const spellings = ['none', 'None', 'NONE', 'nOnE', 'noNe', ' none', 'none ', 'n\u043Ene', 'none\0', ''];
  const signatures = ['', 'AA', randomBytes(64).toString('base64url')];
  const tokens = spellings.flatMap((alg) =>
    signatures.map((signature) => `${segment({ alg, typ: 'at+jwt' })}.${segment(accessClaims())}.${signature}`),
  );

  test.each(ALGORITHM_NAMES)('A1: every spelling with every signature is refused beside an %s key', async (alg) => {
    const key = testKey(alg);
    for (const token of tokens) {
      expect(await verdict(verifierOf(key), token)).toMatch(/algorithm_not_allowed|header_invalid/);
      expect(outcome(() => verifyJws(token, createVerificationKey(key.material)))).toMatch(
        /algorithm_not_allowed|header_invalid/,
      );
    }
  });

  test('A1: without a key there is no verification at all', () => {
    for (const key of [undefined, null, '', {}]) {
      for (const token of tokens) expect(outcome(() => verifyJws(token, key as never))).toBe('config_invalid');
    }
  });

  test('A1: none cannot be put into an allow-list, nor a key made for it', () => {
    const key = testKey('ES256');
    for (const alg of spellings) {
      expect(outcome(() => verifierOf(key, { algorithms: [alg] as never }))).toBe('config_invalid');
      expect(outcome(() => createVerificationKey({ ...key.material, alg } as never))).toBe('config_invalid');
    }
  });
});

describe('A3: header alg x key alg x allow-list', () => {
  // EdDSA and Ed25519 are two names of one algorithm (JO-14): the one place where two names may meet.
  const same = (left: string, right: string): boolean => left === right || (left.startsWith('Ed') && right.startsWith('Ed'));

  test('A3: only the diagonal is accepted', async () => {
    const verdicts: string[] = [];
    for (const keyAlg of ALGORITHM_NAMES) {
      const key = testKey(keyAlg, 'shared-kid');
      for (const listed of ALGORITHM_NAMES) {
        const verifier = verifierOf(key, { algorithms: [listed] });
        for (const headerAlg of ALGORITHM_NAMES) {
          const result = await verdict(verifier, makeToken(key, { header: { alg: headerAlg } }));
          const expected = same(keyAlg, listed) && same(keyAlg, headerAlg);
          if ((result === 'accepted') !== expected) verdicts.push(`${keyAlg} ${listed} ${headerAlg}: ${result}`);
        }
      }
    }
    expect(verdicts).toEqual([]);
  });

  test('A3: the spelling of alg is exact (JB-1)', async () => {
    const key = testKey('ES256');
    for (const alg of ['es256', 'ES256 ', 'Es256', 'ES256\0', 'E\u0405256']) {
      expect(await verdict(verifierOf(key), makeToken(key, { header: { alg } }))).toBe('algorithm_not_allowed');
    }
  });

  test('A3: a JWK without alg takes it from the allow-list if one fits, and is refused if several do', async () => {
    const key = testKey('PS256', 'rsa');
    const { kid, jwk } = key.material as { kid: string; jwk: object };
    const jwks = { keys: [{ ...jwk, kid }] };
    const keys = createLocalKeys({ issuer: ISSUER, jwks, algorithms: ['PS256', 'ES256'] });
    const verifier = verifierOf(key, { keys, algorithms: ['PS256', 'ES256'] });
    expect(await verdict(verifier, makeToken(key))).toBe('accepted');
    expect(await verdict(verifier, makeToken(testKey('RS256', 'rsa')))).toBe('algorithm_not_allowed');
    expect(outcome(() => createLocalKeys({ issuer: ISSUER, jwks, algorithms: ['PS256', 'RS256'] }))).toBe('config_invalid');
    expect(outcome(() => createLocalKeys({ issuer: ISSUER, jwks, algorithms: ['ES256'] }))).toBe('config_invalid');
  });

  test('A3: a JWK that names another algorithm is not made to fit', () => {
    const { jwk } = testKey('RS256').material as { jwk: object };
    expect(outcome(() => createVerificationKey({ alg: 'PS256', jwk: { ...jwk, alg: 'RS256' } as never }))).toBe('config_invalid');
  });

  test('A3: HMAC and public keys do not stand in one allow-list (A2)', () => {
    expect(outcome(() => verifierOf(testKey('RS256'), { algorithms: ['RS256', 'HS256'] }))).toBe('config_invalid');
  });
});

describe('A4: keys that the token brings', () => {
  test.each(ASYMMETRIC)('A4: an %s token with the key of its signer in jwk, x5c, jku, x5u is refused', async (alg) => {
    const trusted = testKey(alg);
    const attacker = freshKey(alg, trusted.kid);
    const jwk = attacker.publicKey!.export({ format: 'jwk' });
    const der = attacker.publicKey!.export({ type: 'spki', format: 'der' }).toString('base64');
    for (const header of [
      { jwk },
      { x5c: [der] },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'file:///etc/passwd' },
      { jwk, kid: undefined },
    ]) {
      expect(await verdict(verifierOf(trusted), makeToken(attacker, { header }))).toBe('signature_invalid');
      // The same parameters on a good token are ignored, not used (JO-6).
      expect(await verdict(verifierOf(trusted), makeToken(trusted, { header }))).toBe('accepted');
    }
  });
});

describe('A5: empty and missing keys', () => {
  const forged = (secret: Buffer): string => {
    const input = `${segment({ alg: 'HS256', typ: 'at+jwt', kid: 'x' })}.${segment(accessClaims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  const policy = (lookup: unknown, load: unknown = lookup): Parameters<typeof createVerifier>[0] => ({
    issuers: [issuerPolicy(testKey('HS256'), { keys: { issuer: ISSUER, id: 'hostile', lookup, load } as KeySource })],
  });
  const values = ['', Buffer.alloc(0), null, undefined, {}, NaN, 0, [], 'secret', { algorithm: { name: 'HS256' }, id: 'x' }];

  test.each(values.map((value) => [value]))('A5: a key source that gives %o accepts nothing', async (value) => {
    for (const secret of [
      Buffer.alloc(0),
      Buffer.from('secret'),
      Buffer.from('undefined'),
      Buffer.from('null'),
      Buffer.from('NaN'),
    ]) {
      expect(await verdict(createVerifier(policy(() => value)), forged(secret))).toBe('key_unknown');
      expect(
        await verdict(
          createVerifier(
            policy(
              () => undefined,
              async () => value,
            ),
          ),
          forged(secret),
        ),
      ).toBe('key_unknown');
    }
  });

  test('A5: one that throws or rejects refuses, one that hangs never accepts', async () => {
    const failure = (): never => {
      throw new Error('store is down');
    };
    expect(await verdict(createVerifier(policy(failure)), forged(Buffer.alloc(0)))).not.toBe('accepted');
    expect(await verdict(createVerifier(policy(() => undefined, failure)), forged(Buffer.alloc(0)))).not.toBe('accepted');
    const hanging = createVerifier(
      policy(
        () => undefined,
        () => new Promise(() => {}),
      ),
    ).verify(forged(Buffer.alloc(0)));
    const patience = new Promise((resolve) => setImmediate(resolve, 'still waiting'));
    expect(await Promise.race([hanging.then(() => 'accepted', codeOf), patience])).toBe('still waiting');
  });

  test('A5: a secret shorter than the hash is refused, at every length (JO-10)', () => {
    const verdicts: string[] = [];
    for (const [alg, bytes] of [
      ['HS256', 32],
      ['HS384', 48],
      ['HS512', 64],
    ] as const) {
      for (let length = 0; length < bytes; length += 1)
        verdicts.push(outcome(() => createVerificationKey({ alg, secret: randomBytes(length) })));
      expect(outcome(() => createVerificationKey({ alg, secret: randomBytes(bytes) }))).toBe('accepted');
    }
    expect(tally(verdicts)).toEqual({ config_invalid: 144 });
  });

  test('A5: nothing but bytes is a secret', () => {
    const text = randomBytes(64).toString('hex');
    for (const secret of [
      '',
      text,
      null,
      undefined,
      {},
      [],
      NaN,
      0,
      new String(text),
      [...randomBytes(64)],
      new ArrayBuffer(64),
    ]) {
      expect(outcome(() => createVerificationKey({ alg: 'HS256', secret } as unknown as KeyMaterial))).toBe('config_invalid');
    }
  });

  test('A5: keys[kid] || "" has no place: an unknown kid finds nothing', async () => {
    const key = testKey('HS256');
    const empty = secretKey('HS256', 'unknown', Buffer.alloc(0));
    expect(await verdict(verifierOf(key), makeToken(empty))).toBe('key_unknown');
  });
});
