/** Processes, played by one, that verify real tokens and share revocations through one server. */
import {
  type Revocations,
  type SigningKey,
  type VerificationCache,
  type WatchwordError,
  createCachedVerifier,
  createLocalKeys,
  createRevocableVerifier,
  createRevocations,
  createVerifier,
  generateSigningKey,
  signJws,
} from '@watchword/core';
import { createRedisRevocationLog } from '../../src/index.ts';

export const issuer = 'https://issuer.example';
const key: SigningKey = generateSigningKey('ES256', 'key-1');
/** The key set of the issuer. */
export const jwks: unknown = { keys: [key.publicJwk()] };

/** Bound of these tests on how long a revoked token may live on. */
export const STALE_AFTER_MS = 800;
const EXPIRES_AT_S = Math.floor(Date.now() / 1000) + 600;

/** An access token. */
export function tokenOf(jti: string): string {
  const claims = {
    iss: issuer,
    aud: 'api',
    sub: `user of ${jti}`,
    client_id: 'c',
    jti,
    iat: EXPIRES_AT_S - 700,
    exp: EXPIRES_AT_S,
  };
  return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'at+jwt' }, key);
}

/** The revocation of it. */
export function revocationOf(jti: string): { readonly issuer: string; readonly jti: string; readonly expiresAtMs: number } {
  return { issuer, jti, expiresAtMs: (EXPIRES_AT_S + 5) * 1000 };
}

/** One service. */
export interface Service {
  readonly revocations: Revocations;
  readonly verifier: VerificationCache;
  /** `accepted` or the error code. */
  outcome(token: string): Promise<string>;
  close(): Promise<void>;
}

export async function startService(server: { readonly url: string }, staleAfterMs: number = STALE_AFTER_MS): Promise<Service> {
  const log = createRedisRevocationLog({ server: server.url, heartbeatMs: 50, timeoutMs: 200 });
  const revocations = createRevocations({ log });
  const keys = createLocalKeys({ issuer, algorithms: ['ES256'], jwks });
  const plain = createVerifier({ issuers: [{ issuer, audience: 'api', algorithms: ['ES256'], keys }] });
  const verifier = createCachedVerifier(createRevocableVerifier(plain, revocations, { staleAfterMs }));
  await revocations.ready();
  return {
    revocations,
    verifier,
    outcome: (token) =>
      verifier.verify(token).then(
        () => 'accepted',
        (error: WatchwordError) => error.code,
      ),
    async close() {
      revocations.close();
      await log.close();
    },
  };
}
