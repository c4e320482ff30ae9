/** The identity provider: `oidc-provider`, issuing JWT access tokens (RFC 9068) to its users by the client credentials grant. */
import { announce, originOf } from '../process/worker.ts';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import process from 'node:process';
import { Provider } from 'oidc-provider';
import { AUDIENCE, HASTY_USER, SCOPES, claimsOf, createUsers } from './users.ts';

const algorithm = process.env['TOKEN_ALGORITHM'] === 'ES256' ? 'ES256' : 'RS256';
const users = createUsers(Number(process.env['USERS']));
const TOKEN_SECONDS = 3_600;

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = originOf(server.address());

const provider = new Provider(issuer, {
  jwks: { keys: [signingKey()] },
  clients: users.map(({ id, secret }) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: algorithm,
  })),
  scopes: SCOPES.split(' '),
  ttl: { ClientCredentials: (_context, _token, client) => (client.clientId === HASTY_USER ? 1 : TOKEN_SECONDS) },
  extraTokenClaims: (_context, token) => claimsOf(token.clientId ?? ''),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: SCOPES,
        audience: AUDIENCE,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
});
provider.on('server_error', (_context, error) => console.error(error));
server.on('request', provider.callback());
announce({ origin: issuer, issuer, jwksUri: `${issuer}/jwks`, tokenEndpoint: `${issuer}/token`, algorithm });

function signingKey(): Record<string, unknown> {
  const { privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: `provider-${algorithm.toLowerCase()}-1`, alg: algorithm, use: 'sig' };
}
