/** The two ways in which a service may verify the external token itself. Each gives the caller's subject or throws. */
import type { IncomingMessage } from 'node:http';
import { createCachedVerifier, createPipeline, createRemoteKeys, createVerifier, fromRawHeaders } from '@watchword/core';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { meter } from '../measure/meter.ts';
import { metered } from '../measure/metered.ts';
import { setting } from '../services/settings.ts';

/** Finds out who is calling. @throws Error when the token is not good */
export type Authenticate = (request: IncomingMessage) => Promise<string>;

const issuer = setting('ISSUER');
const audience = setting('AUDIENCE');
const jwksUrl = setting('PROVIDER_JWKS_URL');
const algorithm = setting('TOKEN_ALGORITHM') === 'ES256' ? 'ES256' : 'RS256';

/** The way that the environment asks for. */
export function createAuthenticate(): Authenticate {
  return setting('VERIFY_WITH') === 'jose' ? withJose() : withCache();
}

/** What people do today: the same checks as Watchword's policy makes, on every request. */
function withJose(): Authenticate {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  const options = {
    issuer,
    audience,
    algorithms: [algorithm],
    typ: 'at+jwt',
    clockTolerance: 5,
    requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
  };
  return async (request) => {
    meter.countToken(fromRawHeaders(request.rawHeaders));
    meter.countSignatureCheck();
    const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
    // No look at the clock here: other requests run while jose waits for its threads (see measure/verification-cpu.ts).
    const { payload } = await jwtVerify(token, keys, options);
    return payload.sub ?? '';
  };
}

/** The same token on every hop, but verified once by each service and remembered. */
function withCache(): Authenticate {
  const keys = createRemoteKeys({ issuer, url: jwksUrl, algorithms: [algorithm], allowInsecure: true });
  const verifier = createVerifier({ issuers: [{ issuer, audience, algorithms: [algorithm], keys }] });
  const pipeline = metered(createPipeline({ source: 'bearer', verifier: createCachedVerifier(verifier) }));
  return async (request) => (await pipeline.admit(fromRawHeaders(request.rawHeaders))).subject;
}
