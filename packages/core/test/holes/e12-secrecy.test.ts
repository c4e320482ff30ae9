/** Row E12: no token, claim or secret in the text of an error, nor in what shows when somebody logs one of our objects. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { fromRawHeaders } from '../../src/carrier/carrier.ts';
import { Identity } from '../../src/context/identity.ts';
import { extractBearer, extractTxnToken } from '../../src/carrier/extract.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createSigningKey, generateSigningKey } from '../../src/keys/signing-key.ts';
import { parseJwkSet } from '../../src/keys/jwk-set.ts';
import { createTxnMinter } from '../../src/txn/mint.ts';
import { toProblem } from '../../src/problem.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, clock, makeToken, segment, verifiedToken, verifierOf } from '../support/tokens.ts';

const CANARY = 'canary7c41e0b2canary';
const key = testKey('ES256');

/** Everything that a logger could make of an error: message, stack, cause, properties. */
function leaks(error: unknown, secrets: readonly string[]): boolean {
  const shown = [
    inspect(error, { depth: 10, showHidden: true }),
    String(error),
    JSON.stringify(error),
    JSON.stringify(toProblem(error)),
  ].join('\n');
  return secrets.some((secret) => shown.includes(secret));
}

const HOSTILE: readonly [string, string][] = [
  ['not a token', CANARY],
  ['canary in each segment', `${segment(CANARY)}.${segment(CANARY)}.${segment(CANARY)}`],
  ['alg', makeToken(key, { header: { alg: CANARY } })],
  ['typ', makeToken(key, { header: { typ: CANARY } })],
  ['kid', makeToken(key, { header: { kid: CANARY } })],
  ['kid too long', makeToken(key, { header: { kid: CANARY.repeat(20) } })],
  ['crit', makeToken(key, { header: { crit: [CANARY], [CANARY]: 1 } })],
  ['broken header', makeToken(key, { header: `{"alg":"${CANARY}",` })],
  ['broken payload', makeToken(key, { payload: `{"sub":"${CANARY}",` })],
  ['duplicate name', makeToken(key, { payload: `{"${CANARY}":1,"${CANARY}":2}` })],
  ['lone surrogate', makeToken(key, { payload: String.raw`{"x":"${CANARY}\ud800"}`.replace('$', '') })],
  ...['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', 'scope', 'client_id', 'cnf'].map((claim): [string, string] => [
    `claim ${claim}`,
    makeToken(key, { payload: accessClaims({ [claim]: claim === 'iss' || claim === 'aud' ? CANARY : [CANARY] }) }),
  ]),
  ['expired', makeToken(key, { payload: accessClaims({ exp: 1, sub: CANARY }) })],
  ['bad signature', makeToken(key, { payload: accessClaims({ sub: CANARY }), signature: Buffer.alloc(64) })],
  ['too large', makeToken(key, { payload: accessClaims({ x: CANARY.repeat(1000) }) })],
];

describe('E12: errors of tokens', () => {
  test.each(HOSTILE)('E12: %s', async (_, token) => {
    const secrets = [CANARY, segment(CANARY), token.slice(0, 30), token.split('.')[1] ?? token];
    const error = await verifierOf(key)
      .verify(token)
      .then(
        () => expect.unreachable(),
        (thrown: unknown) => thrown,
      );
    expect(leaks(error, secrets)).toBe(false);
  });

  test('E12: of headers', () => {
    for (const value of [`Basic ${CANARY}`, `${CANARY} x`, `Bearer ${CANARY} ${CANARY}`, `Bearer ${CANARY},${CANARY}`]) {
      for (const extract of [extractBearer, extractTxnToken]) {
        try {
          extract(fromRawHeaders(['Authorization', value, 'Txn-Token', value]));
          expect.unreachable();
        } catch (error) {
          expect(leaks(error, [CANARY])).toBe(false);
        }
      }
    }
  });
});

describe('E12: errors of keys', () => {
  const rsa = testKey('RS256').privateKey!.export({ format: 'jwk' });
  const pem = key.privateKey!.export({ format: 'pem', type: 'pkcs8' }) as string;
  const body = pem.split('\n')[1]!;
  test.each<[string, () => unknown]>([
    ['a guessable secret', () => createVerificationKey({ alg: 'HS256', secret: Buffer.from(CANARY.repeat(3)) })],
    ['a short secret', () => createVerificationKey({ alg: 'HS256', secret: Buffer.from(CANARY) })],
    ['a secret as text', () => createVerificationKey({ alg: 'HS256', secret: CANARY.repeat(3) as never })],
    [
      'broken PEM',
      () => createVerificationKey({ alg: 'RS256', pem: `-----BEGIN PUBLIC KEY-----\n${CANARY}\n-----END PUBLIC KEY-----` }),
    ],
    ['a private key as public PEM', () => createVerificationKey({ alg: 'ES256', pem: pem.replaceAll('PRIVATE', 'PUBLIC') })],
    ['a private JWK', () => createVerificationKey({ alg: 'RS256', jwk: rsa })],
    ['a broken JWK', () => createVerificationKey({ alg: 'ES256', jwk: { kty: 'EC', crv: CANARY, x: CANARY, y: CANARY } })],
    ['a broken private PEM', () => createSigningKey({ alg: 'ES256', pem: pem.replace(body, CANARY + body.slice(20)) })],
    [
      'a broken private JWK',
      () => createSigningKey({ alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: CANARY, y: CANARY, d: CANARY } }),
    ],
    ['a JWK of another algorithm', () => createSigningKey({ alg: 'ES256', jwk: { alg: CANARY } as never })],
    [
      'two keys under one kid',
      () =>
        parseJwkSet(
          {
            keys: ['a', 'b'].map((at) =>
              Object.assign(testKey('ES256', at).publicKey!.export({ format: 'jwk' }), { kid: CANARY }),
            ),
          },
          ['ES256'],
        ),
    ],
  ])('E12: %s', (_, make) => {
    try {
      make();
      expect.unreachable();
    } catch (error) {
      expect(leaks(error, [CANARY, body, String(rsa.d)])).toBe(false);
    }
  });
});

describe('E12: objects that somebody logs', () => {
  const shown = (value: unknown): string => inspect(value, { depth: 10, showHidden: true }) + JSON.stringify(value);

  test('E12: keys show no private half and no secret', () => {
    const secret = Buffer.from('7f1c9e3b5a8d2046e1f7c3a9b5d8024613579bdf02468ace', 'hex').subarray(0, 24);
    const hmac = createVerificationKey({
      alg: 'HS256',
      secret: Buffer.concat([secret, Buffer.from([1, 99, 3, 250, 17, 42, 201, 8])]),
    });
    expect(shown(hmac)).not.toMatch(/7f1c9e3b|7f 1c 9e 3b|fxyeO1/);
    const signing = generateSigningKey('ES256');
    const { d } = createPrivateView(signing);
    expect(shown(signing)).not.toContain(d);
  });

  test('TT-30: neither a verified token nor an identity shows a compact token', async () => {
    const token = await verifiedToken();
    const compact = createTxnMinter({ trustDomain: 'd', key: generateSigningKey(), requestingWorkload: 'edge', clock }).mint({
      subject: token,
    });
    for (const value of [token, new Identity(token, compact)]) {
      expect(shown(value)).not.toMatch(/eyJ|[\w-]{40,}\.[\w-]{40,}/);
    }
  });
});

function createPrivateView(key: ReturnType<typeof generateSigningKey>): { d: string } {
  return (
    key.constructor as { keyObjectOf(key: unknown): { export(options: object): { d: string } } } & typeof Function.prototype
  )
    .keyObjectOf(key)
    .export({ format: 'jwk' });
}
