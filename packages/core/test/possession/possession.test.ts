/** Tokens that are bound to their sender: what is refused, with the proofs made by an independent library (WI-6, WI-7, WI-8). */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type CryptoKey, SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { fromRawHeaders } from '../../src/carrier/carrier.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { type PossessionOptions, assertUnbound, createPossession } from '../../src/possession/possession.ts';
import { thumbprintOf } from '../../src/possession/proof-keys.ts';
import type { Sender } from '../../src/possession/sender.ts';
import { toProblem } from '../../src/problem.ts';
import { testKey } from '../support/keys.ts';
import { type Members, NOW, accessClaims, clock, makeToken, segment, verifiedToken, verifierOf } from '../support/tokens.ts';
import { codeOf, outcome } from '../support/verdicts.ts';

const issuerKey = testKey('ES256');
const holder = await generateKeyPair('ES256', { extractable: true });
const other = await generateKeyPair('ES256', { extractable: true });
const jkt = await calculateJwkThumbprint(await exportJWK(holder.publicKey));
const tokenWith = (cnf: unknown): string => makeToken(issuerKey, { payload: accessClaims({ cnf }) });
const bound = tokenWith({ jkt });
const plain = makeToken(issuerKey);
const SENDER: Sender = { method: 'GET', uri: 'https://api.example/orders/1?page=2', clientCertificate: undefined };
const ath = (token: string): string => createHash('sha256').update(token).digest('base64url');

interface ProofChanges {
  readonly claims?: Members;
  readonly header?: Members;
  readonly signer?: CryptoKey;
  readonly publicKey?: CryptoKey;
}

async function proof({ claims = {}, header = {}, signer = holder.privateKey, publicKey = holder.publicKey }: ProofChanges = {}) {
  const payload = { htm: 'GET', htu: 'https://api.example/orders/1', iat: NOW, jti: randomUUID(), ath: ath(bound), ...claims };
  const members = { alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey), ...header };
  const given = (values: object): object => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return new SignJWT(given(payload) as never).setProtectedHeader(given(members) as never).sign(signer);
}

function admitter(options: PossessionOptions = { dpop: { clock } }) {
  const verifier = createCachedVerifier(verifierOf(issuerKey));
  const pipeline = createPipeline({ source: 'bearer', verifier, possession: createPossession(options) });
  return async (rawHeaders: readonly string[], sender: Sender | undefined = SENDER): Promise<string> => {
    try {
      const { subject } = await pipeline.admit(fromRawHeaders(rawHeaders), {}, sender);
      return `accepted ${subject}`;
    } catch (error) {
      return codeOf(error);
    }
  };
}

const dpop = (token: string, ...proofs: readonly string[]): string[] => [
  'authorization',
  `DPoP ${token}`,
  ...proofs.flatMap((one) => ['dpop', one]),
];

describe('configuration', () => {
  it.each([
    ['nothing', {}],
    ['an unknown option', { dpop: {}, tls: true }],
    ['B2: an endless age', { dpop: { maxAgeSeconds: Infinity } }],
    ['B2: a tolerance that is no number', { dpop: { toleranceSeconds: NaN } }],
    ['room for no proof', { dpop: { maxProofs: 0 } }],
  ])('%s', (_, options) => {
    expect(outcome(() => createPossession(options as PossessionOptions))).toBe('config_invalid');
  });

  it('proofs are for external tokens only', () => {
    const possession = createPossession({ mutualTls: true });
    const options = { source: 'txn-token', verifier: verifierOf(issuerKey), possession } as const;
    expect(outcome(() => createPipeline(options))).toBe('config_invalid');
  });
});

describe('a bound token is never a plain bearer token', () => {
  it('whatever else comes with it', async () => {
    const admit = admitter();
    expect(await admit(['authorization', `Bearer ${bound}`])).toBe('sender_constrained');
    expect(await admit(['authorization', `Bearer ${bound}`, 'dpop', await proof()])).toBe('sender_constrained');
    // The other way round: who says DPoP wants the token to be bound.
    expect(await admit(dpop(plain, await proof({ claims: { ath: ath(plain) } })))).toBe('sender_constrained');
    expect(await admit(['authorization', `Bearer ${plain}`])).toBe('accepted user-1');
  });

  it.each([
    ['no method', {}],
    ['one that nobody here knows', { kid: 'x' }],
    ['a key in full (RFC 7800)', { jwk: {} }],
    ['one that is known and one that is not', { jkt, osc: 'x' }],
    ['a certificate where only keys are understood', { 'x5t#S256': 'x' }],
    ['both, where only keys are understood', { jkt, 'x5t#S256': 'x' }],
    ['a thumbprint that is no string', { jkt: [jkt] }],
    ['no thumbprint', { jkt: null }],
  ])('confirmation by %s', async (_, cnf) => {
    const admit = admitter();
    const token = tokenWith(cnf);
    const verdicts = [
      await admit(['authorization', `Bearer ${token}`]),
      await admit(dpop(token, await proof({ claims: { ath: ath(token) } }))),
    ];
    expect(verdicts.filter((verdict) => verdict.startsWith('accepted'))).toEqual([]);
  });

  it('where nobody looks at proofs', async () => {
    const pipeline = createPipeline({ source: 'bearer', verifier: verifierOf(issuerKey) });
    const call = async (headers: readonly string[]): Promise<string> => {
      try {
        await pipeline.admit(fromRawHeaders(headers), {}, SENDER);
        return 'accepted';
      } catch (error) {
        return codeOf(error);
      }
    };
    expect(await call(dpop(bound, await proof()))).toBe('scheme_unsupported');
    expect(await call(['authorization', `Bearer ${bound}`])).toBe('sender_constrained');
    expect(outcome(() => assertUnbound({ claims: { cnf: {} } } as never))).toBe('sender_constrained');
    expect(assertUnbound(await verifiedToken())).toBeUndefined();
  });
});

describe('DPoP (RFC 9449 section 4.3)', () => {
  const hostile: Readonly<Record<string, () => Promise<readonly string[]>>> = {
    'no proof': async () => [],
    'two proofs': async () => [await proof(), await proof()],
    'two proofs in one field': async () => [`${await proof()}, ${await proof()}`],
    junk: async () => ['junk'],
    'an empty field': async () => [''],
    'five segments': async () => ['a.b.c.d.e'],
    'a very long one': async () => [`${await proof()}${'A'.repeat(5000)}`],
    'the access token itself': async () => [bound],
    'typ of another kind': async () => [await proof({ header: { typ: 'at+jwt' } })],
    'no typ': async () => [await proof({ header: { typ: undefined } })],
    'no key': async () => [await proof({ header: { jwk: undefined } })],
    'a private key': async () => [await proof({ header: { jwk: await exportJWK(holder.privateKey) } })],
    'a key that is a list': async () => [await proof({ header: { jwk: [await exportJWK(holder.publicKey)] } })],
    'a point that is not on the curve': async () => [
      await proof({ header: { jwk: { ...(await exportJWK(holder.publicKey)), x: randomBytes(32).toString('base64url') } } }),
    ],
    'the key of somebody else': async () => [await proof({ signer: other.privateKey, publicKey: other.publicKey })],
    'the right key, signed by somebody else': async () => [await proof({ signer: other.privateKey })],
    'alg none': async () => {
      const [, payload] = (await proof()).split('.');
      return [`${segment({ alg: 'none', typ: 'dpop+jwt', jwk: await exportJWK(holder.publicKey) })}.${payload}.`];
    },
    'alg HS256 with the public key as its secret': async () => {
      const [, payload, signature] = (await proof()).split('.');
      return [`${segment({ alg: 'HS256', typ: 'dpop+jwt', jwk: await exportJWK(holder.publicKey) })}.${payload}.${signature}`];
    },
    'alg of another curve': async () => {
      const [, payload, signature] = (await proof()).split('.');
      return [`${segment({ alg: 'ES384', typ: 'dpop+jwt', jwk: await exportJWK(holder.publicKey) })}.${payload}.${signature}`];
    },
    'another method': async () => [await proof({ claims: { htm: 'POST' } })],
    'a method in small letters': async () => [await proof({ claims: { htm: 'get' } })],
    'another path': async () => [await proof({ claims: { htu: 'https://api.example/orders/2' } })],
    'another host': async () => [await proof({ claims: { htu: 'https://api.example.evil/orders/1' } })],
    'another scheme': async () => [await proof({ claims: { htu: 'http://api.example/orders/1' } })],
    'another port': async () => [await proof({ claims: { htu: 'https://api.example:8443/orders/1' } })],
    'a user in the address': async () => [await proof({ claims: { htu: 'https://me@api.example/orders/1' } })],
    'no address': async () => [await proof({ claims: { htu: undefined } })],
    'an address that is none': async () => [await proof({ claims: { htu: 'orders' } })],
    'too old': async () => [await proof({ claims: { iat: NOW - 61 } })],
    'ahead of time': async () => [await proof({ claims: { iat: NOW + 6 } })],
    'no time': async () => [await proof({ claims: { iat: undefined } })],
    'a time that is text': async () => [await proof({ claims: { iat: String(NOW) } })],
    'no id': async () => [await proof({ claims: { jti: undefined } })],
    'an empty id': async () => [await proof({ claims: { jti: '' } })],
    'a very long id': async () => [await proof({ claims: { jti: 'x'.repeat(1025) } })],
    'for another token': async () => [await proof({ claims: { ath: ath(plain) } })],
    'for no token': async () => [await proof({ claims: { ath: undefined } })],
    'a critical header': async () => {
      const [header, payload, signature] = (await proof()).split('.') as [string, string, string];
      const members = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
      return [`${segment({ ...members, crit: ['b64'], b64: false })}.${payload}.${signature}`];
    },
  };

  it.each(Object.entries(hostile))('%s: refused, before and after a good one', async (_, make) => {
    const admit = admitter();
    const refusal = await admit(dpop(bound, ...(await make())));
    expect(refusal).toBe('proof_invalid');
    expect(await admit(dpop(bound, await proof()))).toBe('accepted user-1');
    expect(await admit(dpop(bound, ...(await make())))).toBe('proof_invalid');
  });

  it.each([
    ['as it is', {}],
    ['with the default port', { htu: 'https://api.example:443/orders/1' }],
    ['in another case of scheme and host', { htu: 'HTTPS://API.example/orders/1' }],
    ['with a query of its own', { htu: 'https://api.example/orders/1?x#y' }],
    ['escaped without need', { htu: 'https://api.example/%6frders/1' }],
    ['at the end of its life', { iat: NOW - 60 }],
    ['a little ahead', { iat: NOW + 5 }],
  ])('accepted: %s', async (_, claims) => {
    expect(await admitter()(dpop(bound, await proof({ claims })))).toBe('accepted user-1');
  });

  it('the scheme in any case, the field once', async () => {
    expect(await admitter()(['Authorization', `dPoP ${bound}`, 'DPoP', await proof()])).toBe('accepted user-1');
  });

  it('B12: a proof is used once, a second one works, and so does the first key with another id', async () => {
    const admit = admitter();
    const first = await proof();
    expect(await admit(dpop(bound, first))).toBe('accepted user-1');
    expect(await admit(dpop(bound, first))).toBe('token_replayed');
    expect(await admit(dpop(bound, await proof()))).toBe('accepted user-1');
    expect(await admit(dpop(bound, first))).toBe('token_replayed');
  });

  it('B12: the memory is bounded; a full one refuses instead of forgetting, and empties with time', async () => {
    let nowMs = NOW * 1000;
    const admit = admitter({ dpop: { clock: () => nowMs, maxProofs: 3 } });
    for (let count = 0; count < 3; count += 1) expect(await admit(dpop(bound, await proof()))).toBe('accepted user-1');
    expect(await admit(dpop(bound, await proof()))).toBe('replay_unavailable');
    nowMs += 131_000;
    expect(await admit(dpop(bound, await proof({ claims: { iat: NOW + 131 } })))).toBe('accepted user-1');
  });

  it('B12: a ledger that several share is asked, and believed only when it answers', async () => {
    const spent = new Set<string>();
    const ledger = { spend: async (id: string) => !spent.has(id) && spent.add(id).size > 0, close: async () => {} };
    const [one, two] = [admitter({ dpop: { clock, spent: ledger } }), admitter({ dpop: { clock, spent: ledger } })];
    const first = await proof();
    expect(await one(dpop(bound, first))).toBe('accepted user-1');
    expect(await two(dpop(bound, first))).toBe('token_replayed');
    for (const answer of [undefined, 'yes', 1, null]) {
      const strange = admitter({ dpop: { clock, spent: { spend: async () => answer as never, close: async () => {} } } });
      expect(await strange(dpop(bound, await proof()))).toBe('token_replayed');
    }
    const broken = { spend: () => Promise.reject(new Error('away')), close: async () => {} };
    expect(await admitter({ dpop: { clock, spent: broken } })(dpop(bound, await proof()))).toBe('replay_unavailable');
  });

  it('nobody knows what was asked for: no proof can be right', async () => {
    const admit = admitter();
    expect(await admit(dpop(bound, await proof()), { ...SENDER, uri: undefined })).toBe('proof_invalid');
  });

  it.each(['ES384', 'Ed25519', 'PS256', 'RS256'] as const)(
    'keys of %s, thumbprints as another library makes them',
    async (alg) => {
      const pair = await generateKeyPair(alg, { extractable: true });
      const jwk = await exportJWK(pair.publicKey);
      expect(thumbprintOf({ ...jwk })).toBe(await calculateJwkThumbprint(jwk));
      const token = tokenWith({ jkt: await calculateJwkThumbprint(jwk) });
      const claims = { ath: ath(token) };
      const made = await proof({ claims, header: { alg }, signer: pair.privateKey, publicKey: pair.publicKey });
      expect(await admitter()(dpop(token, made))).toBe('accepted user-1');
    },
  );

  it('the refusal says which scheme and which algorithms (RFC 9449 section 7.1)', async () => {
    const possession = createPossession({ dpop: { clock } });
    const pipeline = createPipeline({ source: 'bearer', verifier: verifierOf(issuerKey), possession });
    const error = await Promise.resolve(pipeline.admit(fromRawHeaders(dpop(bound)), {}, SENDER)).catch(
      (thrown: unknown) => thrown,
    );
    const { status, headers } = toProblem(error);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toMatch(/^DPoP realm="watchword", error="invalid_dpop_proof", .*algs="ES256 /);
  });
});

describe('mutual TLS (RFC 8705)', () => {
  const der = randomBytes(600);
  const x5t = createHash('sha256').update(der).digest('base64url');
  const token = tokenWith({ 'x5t#S256': x5t });
  const bearer = (compact: string): string[] => ['authorization', `Bearer ${compact}`];

  it('the certificate of the connection, and no other', async () => {
    const admit = admitter({ mutualTls: true });
    expect(await admit(bearer(token), { ...SENDER, clientCertificate: der })).toBe('accepted user-1');
    expect(await admit(bearer(token), { ...SENDER, clientCertificate: randomBytes(600) })).toBe('sender_constrained');
    expect(await admit(bearer(token))).toBe('sender_constrained');
    expect(await admit(bearer(token), undefined)).toBe('sender_constrained');
    expect(await admit(['authorization', `DPoP ${token}`], { ...SENDER, clientCertificate: der })).toBe('sender_constrained');
  });

  it.each([[x5t.slice(1)], [`${x5t}=`], [x5t.toUpperCase()], [null], [[x5t]], [{}]])(
    'a thumbprint like %j',
    async (thumbprint) => {
      const admit = admitter({ mutualTls: true });
      const sender = { ...SENDER, clientCertificate: der };
      expect(await admit(bearer(tokenWith({ 'x5t#S256': thumbprint })), sender)).toBe('sender_constrained');
    },
  );

  it('bound to both: both must hold', async () => {
    const admit = admitter({ mutualTls: true, dpop: { clock } });
    const both = tokenWith({ 'x5t#S256': x5t, jkt });
    const claims = { ath: ath(both) };
    const sender = { ...SENDER, clientCertificate: der };
    expect(await admit(dpop(both, await proof({ claims })), sender)).toBe('accepted user-1');
    expect(await admit(dpop(both, await proof({ claims })))).toBe('sender_constrained');
    expect(await admit(bearer(both), sender)).toBe('sender_constrained');
    expect(await admit(dpop(both), sender)).toBe('proof_invalid');
  });
});
