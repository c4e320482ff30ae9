/** aws-jwt-verify, with a JWK Set that it holds already. */
import { JwtVerifier } from 'aws-jwt-verify';
import type { Contender, Policy } from '../contender.ts';

/** Sets it up. The algorithm is that of the JWK. */
export function createAwsJwtVerify({ issuer, audience, material }: Policy): Contender {
  const verifier = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/jwks.json` });
  verifier.cacheJwks({ keys: [material.jwk as { kty: 'RSA'; kid: string }] } as Parameters<typeof verifier.cacheJwks>[0]);
  return {
    ways: [
      {
        call: 'verifySync()',
        verify: (token) => verifier.verifySync(token),
        subjectOf: (verified) => (verified as { sub?: string }).sub,
      },
    ],
  };
}
