/** A running token service with its clients, reached by the name that it publishes. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SigningKey, generateSigningKey, signJws } from '@watchword/core';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Gateway, type GatewayDependencies, createConfig, startTokenService } from '../../src/index.ts';
import { type TestIssuer, createTestIssuer, temporaryDirectory } from './identity-provider.ts';

export const TTS = 'https://tts.inside.example';
export const DOMAIN = 'inside.example';
export const SECRET: string = randomBytes(32).toString('base64url');
export const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const TYPE = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;

export interface TestTokenService extends Gateway {
  readonly issuer: TestIssuer;
  /** Signs client assertions of `signer`. */
  readonly clientKey: SigningKey;
  readonly logs: Record<string, unknown>[];
  readonly origin: string;
  /** fetch that finds the published name here. */
  readonly fetch: (url: string | URL, init?: object) => Promise<Response>;
  /** Posts a form, as the client `orders` unless other headers are given. */
  post(path: string, form: string | Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  /** Posts JSON. */
  batch(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The form of a good exchange, changed. */
  exchange(changes?: Record<string, string | undefined>, headers?: Record<string, string>): Promise<Answer>;
  metrics(): Promise<string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever comes
  readonly body: any;
}

export const ORDERS = { id: 'orders', method: 'client_secret_basic', requestDetails: ['order'], requestContext: ['ip'] };
export const SIGNER = {
  id: 'signer',
  method: 'private_key_jwt',
  workload: 'billing',
  selfSigned: true,
  scopes: ['read', 'write'],
};

export function basic(id = 'orders', secret = SECRET): Record<string, string> {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
  return { authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}` };
}

export async function startTestTokenService(
  overrides: Record<string, unknown> = {},
  dependencies: GatewayDependencies = {},
  section: Record<string, unknown> = {},
): Promise<TestTokenService> {
  const issuer = createTestIssuer();
  const directory = temporaryDirectory();
  const clientKey = generateSigningKey('ES256', 'c1');
  const secretFile = join(directory, 'secret');
  const jwksFile = join(directory, 'client.json');
  writeFileSync(secretFile, `${SECRET}\n`);
  writeFileSync(jwksFile, JSON.stringify({ keys: [clientKey.publicJwk()] }));
  const { clients = [ORDERS, SIGNER], ...rest } = section;
  const files = { client_secret_basic: { secretFile }, private_key_jwt: { jwksFile }, tls_client_auth: {} };
  const config = createConfig({
    control: { port: 0 },
    issuers: [issuer.entry],
    txnToken: { trustDomain: DOMAIN },
    tokenService: {
      listen: { port: 0 },
      issuer: TTS,
      clients: (clients as { method: keyof typeof files }[]).map((one) => Object.assign({}, files[one.method], one)),
      ...rest,
    },
    ...overrides,
  });
  const logs: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void logs.push(JSON.parse(line)) });
  const service = await startTokenService(config, { logger, ...dependencies });
  onTestFinished(() => service.close());
  const origin = `http://127.0.0.1:${service.tokenServicePort}`;
  const local: TestTokenService['fetch'] = (url, init) => fetch(String(url).replace(TTS, origin), init);
  const send = async (path: string, type: string, body: string, headers: Record<string, string>): Promise<Answer> => {
    const response = await fetch(`${origin}${path}`, { method: 'POST', headers: { 'content-type': type, ...headers }, body });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  const post: TestTokenService['post'] = (path, form, headers = basic()) =>
    send(path, 'application/x-www-form-urlencoded', typeof form === 'string' ? form : String(new URLSearchParams(form)), headers);
  return {
    ...service,
    issuer,
    clientKey,
    logs,
    origin,
    fetch: local,
    post,
    batch: (path, body, headers = basic()) =>
      send(path, 'application/json', typeof body === 'string' ? body : JSON.stringify(body), headers),
    exchange: (changes = {}, headers = basic()) => {
      const form = { ...exchangeForm(issuer.token()), ...changes };
      const present = Object.entries(form).filter((pair): pair is [string, string] => pair[1] !== undefined);
      return post('/token', Object.fromEntries(present), headers);
    },
    metrics: async () => (await fetch(`http://127.0.0.1:${service.controlPort}/metrics`)).text(),
  };
}

export function exchangeForm(subjectToken: string): Record<string, string> {
  return {
    grant_type: GRANT,
    requested_token_type: TYPE('txn_token'),
    subject_token: subjectToken,
    subject_token_type: TYPE('access_token'),
    audience: DOMAIN,
    scope: 'read',
  };
}

/** A client assertion of `signer`, changed. */
export function assertion(key: SigningKey, changes: object = {}, header: object = {}): Record<string, string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'signer', sub: 'signer', aud: TTS, iat: now, exp: now + 60, jti: randomBytes(8).toString('hex') };
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJws(Buffer.from(JSON.stringify({ ...claims, ...changes })), header as { typ: string }, key),
  };
}

/** Claims of a token of ours. */
export function claimsOf(compact: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(compact.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}
