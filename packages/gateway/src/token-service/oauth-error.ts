/** Refusals as OAuth knows them (RFC 6749 section 5.2, RFC 8693 section 2.2.2), and what our own failures mean there. */
import { toWatchwordError } from '@watchword/core';

/** Every error code with its status (TT-23: 400 unless `invalid_client`). */
export const OAUTH_ERRORS = {
  invalid_request: 400,
  invalid_client: 401,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  /** RFC 8693 section 2.2.2. */
  invalid_target: 400,
  /** RFC 7009 section 2.2.1. */
  unsupported_token_type: 400,
  /** Not in RFC 6749 section 5.2, which has nothing for an outage; the name is that of section 4.1.2.1. */
  temporarily_unavailable: 503,
  server_error: 500,
} as const;

/** One of them. */
export type OAuthErrorCode = keyof typeof OAUTH_ERRORS;

/** A refusal that is told to the client. The message goes out as `error_description`: our own words, no value of the request. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly status: number;

  constructor(code: OAuthErrorCode, description: string, options?: ErrorOptions & { readonly status?: number }) {
    super(description, options);
    this.code = code;
    this.status = options?.status ?? OAUTH_ERRORS[code];
  }

  /** The members of the answer. */
  body(): { readonly error: OAuthErrorCode; readonly error_description: string } {
    return { error: this.code, error_description: this.message };
  }
}

/** Refuses unless the condition holds. @throws OAuthError */
export function assertOAuth(condition: unknown, code: OAuthErrorCode, description: string): asserts condition {
  if (!condition) throw new OAuthError(code, description);
}

/** What a failure of verifying or minting means to a client: which rule was broken stays here (ER-6). */
export function toOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown;
  const { code, facts } = toWatchwordError(thrown);
  const cause = { cause: thrown };
  // TT-17: scope that is more than the subject token's, or that nobody knows.
  if (code === 'scope_insufficient' || code === 'scope_unknown') {
    return new OAuthError('invalid_scope', 'The subject token does not grant the scope', cause);
  }
  if (facts.http === 503) return new OAuthError('temporarily_unavailable', facts.title, cause);
  // TT-23: invalid or unacceptable subject tokens.
  if (facts.http === 401) return new OAuthError('invalid_request', 'The subject token was not accepted', cause);
  if (facts.http === 400) return new OAuthError('invalid_request', facts.title, cause);
  return new OAuthError('server_error', 'Internal error', cause);
}
