/** Two OAuth clients that know nothing of Watchword: oauth4webapi and openid-client. */
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { SigningKey } from '@watchword/core';
import { expect, test } from 'vitest';
import {
  DOMAIN,
  GRANT,
  SECRET,
  TTS,
  type TestTokenService,
  TYPE,
  exchangeForm,
  startTestTokenService,
} from '../support/token-service.ts';

// oauth4webapi wants to be told that a token may be none that goes into Authorization (RFC 8693 section 2.2.1).
const recognizedTokenTypes = { n_a: () => {} };
const REVOCATION = { revocation: { log: { memory: true } } };

function parameters(token: string, type = 'access_token', scope = 'read'): Record<string, string> {
  const { grant_type: _, ...rest } = exchangeForm(token);
  return { ...rest, subject_token_type: TYPE(type), scope };
}

async function privateKey({ clientKey }: TestTokenService): Promise<oauth.CryptoKey> {
  const jwk = SigningKey.keyObjectOf(clientKey).export({ format: 'jwk' });
  return crypto.subtle.importKey('jwk', jwk as never, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}

test.each(['client_secret_basic', 'private_key_jwt'])(
  'oauth4webapi with %s: discovery, exchange, replacement, introspection, revocation',
  async (method) => {
    const service = await startTestTokenService(REVOCATION);
    const options = { [oauth.customFetch]: service.fetch };
    const url = new URL(TTS);
    const response = await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' });
    const as = await oauth.processDiscoveryResponse(url, response);
    const byKey = method === 'private_key_jwt';
    const client: oauth.Client = { client_id: byKey ? 'signer' : 'orders' };
    const auth = byKey ? oauth.PrivateKeyJwt({ key: await privateKey(service), kid: 'c1' }) : oauth.ClientSecretBasic(SECRET);
    const ask = async (form: Record<string, string>): Promise<oauth.TokenEndpointResponse> => {
      const answer = await oauth.genericTokenEndpointRequest(as, client, auth, GRANT, form, options);
      return oauth.processGenericTokenEndpointResponse(as, client, answer, { recognizedTokenTypes });
    };

    const first = await ask(parameters(service.issuer.token(), 'access_token', 'read write'));
    expect(first).toMatchObject({ issued_token_type: TYPE('txn_token'), token_type: 'n_a', scope: 'read write' });
    expect(first.refresh_token).toBeUndefined();
    const jwks = (await (await service.fetch(as.jwks_uri!)).json()) as { keys: [] };
    const verified = await jwtVerify(first.access_token, createLocalJWKSet(jwks), { audience: DOMAIN, typ: 'txntoken+jwt' });
    expect(verified.payload).toMatchObject({ sub: 'user-1', req_wl: byKey ? 'billing' : 'orders' });

    const second = await ask(parameters(first.access_token, 'txn_token'));
    expect(second.scope).toBe('read');

    const introspect = async (token: string): Promise<oauth.IntrospectionResponse> =>
      oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, options));
    expect(await introspect(second.access_token)).toMatchObject({ active: true, sub: 'user-1', scope: 'read', aud: DOMAIN });
    expect(await introspect('junk')).toEqual({ active: false });

    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, second.access_token, options));
    expect(await introspect(second.access_token)).toEqual({ active: false });
    expect(await introspect(first.access_token)).toMatchObject({ active: true });
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, 'unknown', options));
    await expect(ask(parameters(second.access_token, 'txn_token'))).rejects.toMatchObject({ error: 'invalid_request' });
    await expect(ask(parameters(first.access_token, 'txn_token', 'admin'))).rejects.toMatchObject({ error: 'invalid_scope' });
  },
);

test.each(['client_secret_basic', 'private_key_jwt'])('openid-client with %s: the same', async (method) => {
  const service = await startTestTokenService(REVOCATION);
  const byKey = method === 'private_key_jwt';
  const auth = byKey ? openid.PrivateKeyJwt({ key: await privateKey(service), kid: 'c1' }) : openid.ClientSecretBasic(SECRET);
  const options = { [openid.customFetch]: service.fetch, algorithm: 'oauth2' as const };
  const server = await openid.discovery(new URL(TTS), byKey ? 'signer' : 'orders', undefined, auth, options);
  const first = await openid.genericGrantRequest(server, GRANT, parameters(service.issuer.token()));
  expect(first).toMatchObject({ issued_token_type: TYPE('txn_token'), scope: 'read' });
  const second = await openid.genericGrantRequest(server, GRANT, parameters(first.access_token, 'txn_token'));
  expect(await openid.tokenIntrospection(server, second.access_token)).toMatchObject({ active: true, sub: 'user-1' });
  await openid.tokenRevocation(server, second.access_token);
  expect(await openid.tokenIntrospection(server, second.access_token)).toEqual({ active: false });
});

test('oauth4webapi with an issuer that has a path (RFC 8414 section 3.1)', async () => {
  const issuer = `${TTS}/tts/a`;
  const service = await startTestTokenService({}, {}, { issuer });
  const url = new URL(issuer);
  const options = { [oauth.customFetch]: service.fetch };
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' }));
  expect(as.token_endpoint).toBe(`${issuer}/token`);
  const client = { client_id: 'orders' };
  const auth = oauth.ClientSecretBasic(SECRET);
  const answer = await oauth.genericTokenEndpointRequest(as, client, auth, GRANT, parameters(service.issuer.token()), options);
  expect(answer.status).toBe(200);
  // Without a revocation log there is no such endpoint.
  expect(as.revocation_endpoint).toBeUndefined();
});

test('a client with a wrong secret is told so', async () => {
  const service = await startTestTokenService();
  const options = { [openid.customFetch]: service.fetch, algorithm: 'oauth2' as const };
  const auth = openid.ClientSecretBasic('wrong');
  const server = await openid.discovery(new URL(TTS), 'orders', undefined, auth, options);
  await expect(openid.tokenIntrospection(server, 'x')).rejects.toMatchObject({ status: 401 });
});
