/** Watchword with its own defaults, which check more than the common policy: token type and the claims that RFC 9068 requires. */
import {
  type KeyMaterial,
  type VerifiedToken,
  type Verifier,
  createCachedVerifier,
  createLocalKeys,
  createVerifier,
} from '@watchword/core';
import type { Contender, Policy } from '../contender.ts';

const subjectOf = (verified: unknown): string | undefined => (verified as VerifiedToken).claims.sub;

/** The verifier without a cache. */
export function createWatchword(policy: Policy): Contender {
  const verifier = createPolicyVerifier(policy);
  return { ways: [{ call: 'verify()', verify: (token) => verifier.verify(token), subjectOf }] };
}

/** The verifier with its cache. */
export function createCachedWatchword(policy: Policy): Contender {
  const cache = createCachedVerifier(createPolicyVerifier(policy), { maxEntries: policy.cacheEntries });
  return {
    ways: [
      {
        // What the gateway and every adapter do: a hit answers at once, a miss with a promise.
        call: 'recall(), else verify()',
        verify: (token) => cache.recall(token) ?? cache.verify(token),
        subjectOf,
      },
      { call: 'verify()', verify: (token) => cache.verify(token), subjectOf },
    ],
    misses: () => cache.stats().misses,
  };
}

function createPolicyVerifier({ algorithm, issuer, audience, material }: Policy): Verifier {
  const keys = createLocalKeys({ issuer, keys: [toKeyMaterial({ algorithm, material })] });
  return createVerifier({ issuers: [{ issuer, audience, algorithms: [algorithm], keys }] });
}

function toKeyMaterial({ algorithm: alg, material: { kid, pem, secret } }: Pick<Policy, 'algorithm' | 'material'>): KeyMaterial {
  return secret === undefined ? { alg, kid, pem: pem! } : { alg, kid, secret: Buffer.from(secret, 'base64') };
}
