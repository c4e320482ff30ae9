/** Revocation (RFC 7009): a client takes back its own tokens, through the log that everybody follows. */
import { type Revocations, type VerifiedToken, toWatchwordError } from '@watchword/core';
import type { TokenClient } from './clients/client.ts';
import type { VerifyEnded } from './ended-tokens.ts';
import { kindByType } from './introspect.ts';
import { OAuthError, assertOAuth, toOAuthError } from './oauth-error.ts';
import type { SubjectKind, Subjects } from './subjects.ts';

/** Takes one token back. Resolves when that is durable, or when the token is none (RFC 7009 section 2.2). @throws OAuthError */
export type Revoke = (token: string | undefined, client: TokenClient) => Promise<void>;

/** What it needs. */
export interface RevokeOptions {
  readonly subjects: Subjects;
  readonly revocations: Pick<Revocations, 'revoke'>;
  /** How long after its end an external token may still be good for a request that was accepted before. */
  readonly deferredForMs: number;
  /** Verifies external tokens that have ended; undefined: there are none, or nothing is deferred. */
  readonly verifyEnded?: VerifyEnded | undefined;
}

/** The greatest tolerance of a verifier: until then somebody may accept the token. */
const LARGEST_TOLERANCE_MS = 300_000;

/** Builds it. */
export function createRevoke({ subjects, revocations, deferredForMs, verifyEnded }: RevokeOptions): Revoke {
  return async (token, client) => {
    const mayRevoke = client.grants.has('revoke') || client.grants.has('revoke-any');
    assertOAuth(mayRevoke, 'unauthorized_client', 'The client may not take tokens back');
    assertOAuth(token !== undefined, 'invalid_request', 'token is required');
    const kind = kindByType(token);
    let [outcome] = await subjects.verifyMany(kind, [token]);
    // Of no use any more, but to work that was accepted before and still waits.
    if (kind === 'external' && verifyEnded !== undefined && hasEnded(outcome!)) {
      [outcome] = await Promise.allSettled([verifyEnded(token)]);
    }
    if (outcome!.status === 'rejected') return acceptIfBad(outcome!.reason);
    const verified = outcome!.value;
    assertOAuth(isOwn(verified, kind, client), 'unauthorized_client', 'The token was not issued to the client');
    const { jti, exp = 0 } = verified.claims;
    assertOAuth(jti !== undefined, 'unsupported_token_type', 'The token has no id by which it could be taken back');
    const endsAtMs = Math.max(verified.window.expiresAtMs, exp * 1000) + LARGEST_TOLERANCE_MS;
    const expiresAtMs = endsAtMs + (kind === 'external' ? deferredForMs : 0);
    try {
      await revocations.revoke({ issuer: verified.issuer, jti, expiresAtMs });
    } catch (cause) {
      throw new OAuthError('temporarily_unavailable', 'The revocation is not stored yet: ask again', { cause });
    }
  };
}

function hasEnded(outcome: PromiseSettledResult<VerifiedToken>): boolean {
  if (outcome.status === 'fulfilled') return false;
  const { code } = toWatchwordError(outcome.reason);
  return code === 'token_expired' || code === 'token_too_old';
}

// RFC 7009 section 2.2: an invalid token needs no revocation. One that nobody can check now may be good.
function acceptIfBad(reason: unknown): void {
  // There are no vouchers here, so nothing is good that looks like one.
  if (reason instanceof OAuthError) return;
  if (toWatchwordError(reason).facts.http >= 500) throw toOAuthError(reason);
}

// RFC 7009 section 2.1. External tokens were issued to nobody here.
function isOwn({ claims }: VerifiedToken, kind: SubjectKind, client: TokenClient): boolean {
  if (client.grants.has('revoke-any')) return true;
  return kind !== 'external' && claims.req_wl === client.workload;
}
