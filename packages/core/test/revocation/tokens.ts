/** Verified tokens with any claims and key id, and revocations of them. */
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createVerifiedToken } from '../../src/verify/verified-token.ts';
import { testKey } from '../support/keys.ts';
import { ISSUER, type Members, NOW, accessClaims } from '../support/tokens.ts';

/** As a verifier would hand it out. `kid: null` leaves the key id out of the header, not out of the key. */
export function tokenWith(claims: Members = {}, kid: string | null = 'key-1', issuer: string = ISSUER): VerifiedToken {
  const all = accessClaims({ iss: issuer, ...claims });
  return createVerifiedToken({
    header: { alg: 'ES256', ...(kid === null ? {} : { kid }) },
    claims: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as VerifiedToken['claims'],
    key: createVerificationKey({ ...testKey('ES256', kid ?? 'key-1').material, kid: kid ?? 'key-1' }),
    issuer,
    window: { notBeforeMs: -Infinity, expiresAtMs: (NOW + 300) * 1000, endsBy: 'token_expired' },
  });
}

/** When all revocations of these tests expire, unless they say otherwise. */
export const UNTIL_MS = (NOW + 3600) * 1000;
