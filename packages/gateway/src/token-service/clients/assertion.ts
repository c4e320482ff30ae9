/** Client assertions (RFC 7523 section 3): signed by the client, for this service only, good once. */
import {
  type Clock,
  type LocalKeys,
  type SpentTokens,
  type Verifier,
  createSingleUseVerifier,
  createVerifier,
} from '@watchword/core';
import type { EdgeAlgorithm } from '../../config/config.ts';
import { assertOAuth } from '../oauth-error.ts';

/** What an assertion of one client is held against. */
export interface AssertionOptions {
  readonly clientId: string;
  readonly keys: LocalKeys;
  readonly algorithms: readonly EdgeAlgorithm[];
  /** The identifier of this service: the only accepted `aud`, besides the address of the token endpoint. */
  readonly audiences: readonly string[];
  readonly spent: SpentTokens;
  readonly clock: Clock;
}

/** Checks one assertion. @throws OAuthError or WatchwordError (as a rejection) */
export type AssertionCheck = (assertion: string) => Promise<void>;

/** An assertion that is good for longer is refused: its `jti` would have to be remembered for as long. */
const MAX_AGE_SECONDS = 300;

/** Builds the check. @throws WatchwordError `config_invalid` */
export function createAssertionCheck({ clientId, keys, algorithms, audiences, spent, clock }: AssertionOptions): AssertionCheck {
  const verifier = createVerifier({
    issuers: [
      {
        issuer: clientId,
        audience: audiences,
        algorithms,
        keys,
        // JB-13: never the type of an access token or a Txn-Token. Clients of RFC 7523 send none, or JWT.
        tokenTypes: [null, 'JWT', 'client-authentication+jwt'],
        requiredClaims: ['sub', 'jti', 'iat'],
        maxTokenAgeSeconds: MAX_AGE_SECONDS,
      },
    ],
    clock,
  });
  const once = createSingleUseVerifier(forOneAudience(verifier, clientId, clock), spent);
  return async (assertion) => {
    await once.verify(assertion);
  };
}

// Before the id is spent: an assertion that is refused must not use it up.
function forOneAudience(verifier: Verifier, clientId: string, clock: Clock): Verifier {
  return {
    ...verifier,
    async verify(assertion) {
      const token = await verifier.verify(assertion);
      const { sub, aud, exp } = token.claims;
      assertOAuth(sub === clientId, 'invalid_client', 'The client assertion is not accepted');
      // draft-ietf-oauth-rfc7523bis: one audience, or another server that it was sent to could use it here.
      assertOAuth(typeof aud === 'string' || aud?.length === 1, 'invalid_client', 'The client assertion is not accepted');
      const isShort = exp !== undefined && exp * 1000 <= clock() + (MAX_AGE_SECONDS + 60) * 1000;
      assertOAuth(isShort, 'invalid_client', 'The client assertion is good for too long');
      return token;
    },
  };
}
