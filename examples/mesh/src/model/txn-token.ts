/** How long the Txn-Tokens of the mesh are: from what its configuration says that they contain. */
import { randomBytes } from 'node:crypto';
import { generateSigningKey, signJws } from '@watchword/core';
import { SCOPES } from '../provider/users.ts';
import { TRUST_DOMAIN } from '../strategies.ts';

/** Characters of a Txn-Token for a user. */
export function txnTokenCharactersOf(subject: string): number {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iat: now,
    exp: now + 60,
    aud: TRUST_DOMAIN,
    txn: randomBytes(16).toString('base64url'),
    sub: subject,
    scope: SCOPES,
    req_wl: 'mesh-gateway',
  };
  return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'txntoken+jwt' }, generateSigningKey()).length;
}
