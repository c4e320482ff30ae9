/** jose, with a key that was imported once. */
import { webcrypto } from 'node:crypto';
import { type JWTVerifyResult, importJWK, jwtVerify } from 'jose';
import type { Contender, Policy } from '../contender.ts';

/** Sets it up. */
export async function createJose({ algorithm, issuer, audience, material }: Policy): Promise<Contender> {
  const key =
    material.secret === undefined ? await importJWK(material.jwk as object, algorithm) : await importSecret(material.secret);
  const options = { algorithms: [algorithm], issuer, audience };
  return {
    ways: [
      {
        call: 'jwtVerify()',
        verify: (token) => jwtVerify(token, key, options),
        subjectOf: (verified) => (verified as JWTVerifyResult).payload.sub,
      },
    ],
  };
}

// Bytes would be imported again for each token.
function importSecret(secret: string): Promise<webcrypto.CryptoKey> {
  const bytes = Buffer.from(secret, 'base64');
  return webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}
