/** fast-jwt, as @fastify/jwt uses it. */
import { createVerifier } from 'fast-jwt';
import type { Contender, Policy } from '../contender.ts';

/** Longer than a run: an entry must not expire while times are taken. */
const CACHE_TTL_MS = 3_600_000;

/** Without its cache. */
export function createFastJwt(policy: Policy): Contender {
  return createWith(policy, false);
}

/** With its cache, whose default key is a digest of the token. */
export function createCachedFastJwt(policy: Policy): Contender {
  return createWith(policy, policy.cacheEntries);
}

function createWith({ algorithm, issuer, audience, material }: Policy, cache: number | false): Contender {
  const verify = createVerifier({
    key: material.secret === undefined ? material.pem! : Buffer.from(material.secret, 'base64'),
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    cache,
    cacheTTL: CACHE_TTL_MS,
  });
  const subjectOf = (verified: unknown): string | undefined => (verified as { sub?: string }).sub;
  return { ways: [{ call: 'verify()', verify: (token) => verify(token) as unknown, subjectOf }] };
}
