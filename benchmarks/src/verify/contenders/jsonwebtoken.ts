/** jsonwebtoken, with a key object, so that it need not parse the PEM for each token. */
import { createPublicKey, createSecretKey } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import type { Contender, Policy } from '../contender.ts';

/** Sets it up. */
export function createJsonwebtoken({ algorithm, issuer, audience, material }: Policy): Contender {
  const key =
    material.secret === undefined ? createPublicKey(material.pem!) : createSecretKey(Buffer.from(material.secret, 'base64'));
  const options = { algorithms: [algorithm], issuer, audience };
  return {
    ways: [
      {
        call: 'verify()',
        verify: (token) => jsonwebtoken.verify(token, key, options),
        subjectOf: (verified) => (verified as { sub?: string }).sub,
      },
    ],
  };
}
