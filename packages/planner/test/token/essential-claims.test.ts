/** The advice against real Txn-Tokens: its sizes are those that a minter makes. */
import { createLocalKeys, createTxnMinter, createVerifier, generateSigningKey, signJws } from '@watchword/core';
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adviseMapping } from '../../src/token/essential-claims.ts';
import { TokenUnreadable, claimBytes, dissectToken } from '../../src/token/anatomy.ts';

const key = generateSigningKey('ES256');
const now = Math.floor(Date.now() / 1000);
const CLAIMS = {
  iss: 'https://idp.example',
  aud: 'https://api.example',
  sub: 'user-1',
  scope: 'read write',
  client_id: 'shop',
  iat: now,
  exp: now + 600,
  jti: 'token-1',
  tenant: 'acme',
  organisation: 'A Ümläut GmbH',
  roles: ['customer', 'reviewer', 'newsletter-subscriber'],
};
const tokenOf = (claims: object): string => signJws(Buffer.from(JSON.stringify(claims)), { typ: 'at+jwt' }, key);
const token = tokenOf(CLAIMS);

describe('not a token', () => {
  test.each([
    '',
    'a',
    'a.b',
    'a.b.c.d',
    '..',
    'é.é.é',
    `${Buffer.from('[]').toString('base64url')}.e30.x`,
    'e30.e30=.x',
    'e30.bnVsbA.x',
    'e30./w.x',
  ])('%j', (text) => expect(() => dissectToken(text)).toThrow(TokenUnreadable));

  test('random text never throws anything else', () => {
    assert(
      property(string(), string(), string(), (one, two, three) => {
        try {
          dissectToken(`${one}.${two}.${three}`);
        } catch (error) {
          expect(error).toBeInstanceOf(TokenUnreadable);
        }
      }),
    );
  });
});

describe('bytes', () => {
  test('all of them are accounted for', () => {
    const { bytes, headerBytes, payloadBytes, signatureBytes, claims, algorithm } = dissectToken(token);
    expect(headerBytes + payloadBytes + signatureBytes + 2).toBe(bytes);
    expect(bytes).toBe(token.length);
    expect(algorithm).toBe('ES256');
    const sum = claims.reduce((total, claim) => total + claim.bytes, 0);
    // Braces, the last comma that is not there, and rounding.
    expect(Math.abs(sum - payloadBytes)).toBeLessThanOrEqual(3 + claims.length / 2);
    expect(claims[0]!.name).toBe('roles');
  });

  test('what a claim costs is what the token gets shorter by without it', () => {
    for (const name of ['roles', 'organisation', 'tenant'] as const) {
      const { [name]: _, ...others } = CLAIMS;
      expect(Math.abs(token.length - tokenOf(others).length - claimBytes(name, CLAIMS[name]))).toBeLessThanOrEqual(2);
    }
  });
});

describe('advice', () => {
  const minted = (mapping: Readonly<Record<string, string>>) => ({
    trustDomain: 'shop.example',
    requestingWorkload: 'gateway',
    algorithm: 'ES256',
    keyIdLength: key.kid!.length,
    mapping,
  });
  const reads = { tenant: 7, org: 2, sub: 9, scope: 9, colour: 1, never: 0 };

  test('the smallest mapping: what is read, under the name that services know, and no more', () => {
    const advice = adviseMapping(dissectToken(token), reads, minted({ org: 'organisation', roles: 'roles' }));
    expect(advice.mapping).toEqual({ org: 'organisation', tenant: 'tenant' });
    expect(advice.unread).toEqual(['roles']);
    expect(advice.missing).toEqual(['colour']);
    expect(Object.fromEntries(advice.claims.map(({ name, advice: what }) => [name, what]))).toMatchObject({
      organisation: 'map',
      tenant: 'map',
      roles: 'drop',
      client_id: 'drop',
      sub: 'always',
      exp: 'always',
    });
    expect(advice.claims.find(({ name }) => name === 'organisation')!.reads).toBe(2);
  });

  test('without a gateway, names are those of the token', () => {
    const advice = adviseMapping(dissectToken(token), reads);
    expect(advice.mapping).toEqual({ tenant: 'tenant' });
    expect(advice.missing).toEqual(['colour', 'org']);
    expect(advice.txnToken).toBeUndefined();
  });

  test.each(['ES256', 'RS256', 'EdDSA'] as const)('sizes are those of a minter with %s, to two bytes', async (algorithm) => {
    const signer = generateSigningKey(algorithm);
    const keys = createLocalKeys({ issuer: CLAIMS.iss, algorithms: ['ES256'], jwks: { keys: [key.publicJwk()] } });
    const verifier = createVerifier({ issuers: [{ issuer: CLAIMS.iss, audience: CLAIMS.aud, algorithms: ['ES256'], keys }] });
    const subject = await verifier.verify(token);
    const settings = { ...minted({ org: 'organisation', roles: 'roles' }), algorithm, keyIdLength: signer.kid!.length };
    const advice = adviseMapping(dissectToken(token), reads, settings);
    const sizeOf = (claims: Readonly<Record<string, string>>): number => {
      const { trustDomain, requestingWorkload } = settings;
      return createTxnMinter({ trustDomain, requestingWorkload, key: signer, claims }).mint({ subject }).length;
    };
    expect(Math.abs(advice.txnToken!.nowBytes - sizeOf(settings.mapping))).toBeLessThanOrEqual(2);
    expect(Math.abs(advice.txnToken!.leastBytes - sizeOf(advice.mapping))).toBeLessThanOrEqual(2);
    expect(advice.txnToken!.leastBytes).toBeLessThan(advice.txnToken!.nowBytes);
  });
});

test('what is advised a minter takes, whatever services read', () => {
  const names = [
    'iat',
    'nbf',
    'cnf',
    'tctx',
    'rctx',
    'req_wl',
    'req_wl_chain',
    'txn',
    'txn_topic',
    'txn_end',
    'txn_iat',
    'tenant',
  ];
  const reads = Object.fromEntries(names.map((name) => [name, 1]));
  const { mapping } = adviseMapping(dissectToken(tokenOf({ ...reads, ...CLAIMS })), reads);
  expect(mapping).toEqual({ tenant: 'tenant' });
  createTxnMinter({ trustDomain: 'inside.example', requestingWorkload: 'edge', key, claims: mapping });
});
