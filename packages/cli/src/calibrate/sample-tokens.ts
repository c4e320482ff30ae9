/** External tokens such as identity providers issue, about 1.2 KB, signed here: what the calibration verifies. */
import { type KeyObject, createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { type KeySource, type SigningKey, createLocalKeys, generateSigningKey, signJws } from '@watchword/core';
import { type TokenAlgorithm, TOKEN_ALGORITHMS } from '@watchword/planner';

/** The audience of all sample tokens. */
export const SAMPLE_AUDIENCE = 'https://shop.example';

/** Signs tokens of one algorithm, and knows who verifies them. */
export interface SampleIssuer {
  readonly algorithm: TokenAlgorithm;
  readonly issuer: string;
  readonly keys: KeySource;
  /** Public JWK; undefined for HMAC. */
  readonly jwk: unknown;
  sign(subject: string): string;
  /** A signature over `text` alone. */
  signOnly(text: string): string;
  /** Undefined for HMAC, which signs no Txn-Token (JO-10). */
  readonly signingKey: SigningKey | undefined;
}

/** An issuer for each algorithm. */
export function createSampleIssuers(): SampleIssuer[] {
  return TOKEN_ALGORITHMS.map((algorithm) => (algorithm === 'HS256' ? createHmacIssuer() : createIssuer(algorithm)));
}

function createIssuer(algorithm: Exclude<TokenAlgorithm, 'HS256'>): SampleIssuer {
  const issuer = issuerOf(algorithm);
  const key = generateSigningKey(algorithm, `calibration-${algorithm.toLowerCase()}`);
  const jwk = key.publicJwk();
  return {
    algorithm,
    issuer,
    jwk,
    keys: createLocalKeys({ issuer, algorithms: [algorithm], jwks: { keys: [jwk] } }),
    sign: (subject) => signJws(Buffer.from(JSON.stringify(claimsOf(issuer, subject))), { typ: 'at+jwt' }, key),
    signOnly: (text) => signJws(Buffer.from(text), {}, key),
    signingKey: key,
  };
}

function createHmacIssuer(): SampleIssuer {
  const issuer = issuerOf('HS256');
  const secret = randomBytes(32);
  const kid = 'calibration-hs256';
  const key = createSecretKey(secret);
  return {
    algorithm: 'HS256',
    issuer,
    jwk: undefined,
    keys: createLocalKeys({ issuer, algorithms: ['HS256'], keys: [{ alg: 'HS256', kid, secret }] }),
    sign: (subject) => hmacToken(claimsOf(issuer, subject), kid, key),
    signOnly: (text) => createHmac('sha256', key).update(text).digest('base64url'),
    signingKey: undefined,
  };
}

function hmacToken(claims: object, kid: string, key: KeyObject): string {
  const input = [{ alg: 'HS256', typ: 'at+jwt', kid }, claims].map(encode).join('.');
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function issuerOf(algorithm: TokenAlgorithm): string {
  return `https://login.example/${algorithm.toLowerCase()}`;
}

const LIFETIME_SECONDS = 3600;

function claimsOf(issuer: string, subject: string): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: SAMPLE_AUDIENCE,
    sub: subject,
    client_id: 'shop-web-frontend',
    iat: now,
    exp: now + LIFETIME_SECONDS,
    jti: randomUUID(),
    scope: 'orders.read prices.read stock.read',
    email: `${subject}@shop.example`,
    email_verified: true,
    roles: ['customer', 'newsletter-subscriber', 'purchasing-manager'],
    groups: ['employees', 'emea-sales', 'vpn-users', 'benefits-enrolled'],
    permissions: ['orders:read', 'orders:create', 'orders:cancel', 'prices:read', 'stock:read', 'invoices:read'],
    org_unit: { id: randomUUID(), cost_center: 'CC-1042', region: 'eu-central' },
  };
}
