/** The closed set of failures, as one table, and the error class that carries them. */

/** How a failure is told to each kind of caller. */
export interface ErrorFacts {
  /** HTTP status code. */
  readonly http: number;
  /** gRPC status code. */
  readonly grpc: number;
  /** RFC 6750 section 3.1 or RFC 9449 section 7.1 error code for `WWW-Authenticate`, where the failure is about the caller's token. */
  readonly oauth?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof';
  /** What an outside caller may know. One text for all bad tokens (ER-6). */
  readonly title: string;
  /** The requirement that was broken: for `watchword verify` and for logs, never for outside callers. */
  readonly rule: string;
}

const badToken = (rule: string): ErrorFacts => ({
  http: 401,
  grpc: 16,
  oauth: 'invalid_token',
  title: 'The token was not accepted',
  rule,
});
const badRequest = (title: string, rule: string): ErrorFacts => ({ http: 400, grpc: 3, title, rule });
const internal = (title: string, rule: string): ErrorFacts => ({ http: 500, grpc: 13, title, rule });

/** The literal codes, by the stage that throws them. Stable across versions. */
export type ErrorCode =
  // carrier
  | 'token_missing'
  | 'token_ambiguous'
  | 'scheme_unsupported'
  | 'sender_constrained'
  | 'proof_invalid'
  // jws
  | 'token_too_large'
  | 'token_malformed'
  | 'json_invalid'
  | 'header_invalid'
  | 'critical_header'
  | 'type_not_allowed'
  | 'algorithm_not_allowed'
  | 'key_unknown'
  | 'key_untrusted'
  | 'signature_invalid'
  // claims
  | 'issuer_not_trusted'
  | 'audience_mismatch'
  | 'claim_missing'
  | 'claim_invalid'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'token_too_old'
  // revocation
  | 'token_revoked'
  | 'revocation_unavailable'
  | 'token_replayed'
  | 'replay_unavailable'
  | 'voucher_refused'
  // authorization and exchange
  | 'scope_insufficient'
  | 'scope_unknown'
  // edge
  | 'request_malformed'
  | 'header_forbidden'
  | 'route_unknown'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'keys_unavailable'
  | 'overloaded'
  | 'stream_expired'
  | 'queue_unavailable'
  | 'queue_full'
  | 'idempotency_conflict'
  | 'receipt_invalid'
  | 'upstream_unavailable'
  | 'upstream_timeout'
  // our own side
  | 'config_invalid'
  | 'clock_invalid'
  | 'context_lost'
  | 'mint_failed'
  | 'signing_unavailable'
  | 'internal';

/** Every error code with its meaning to HTTP, to gRPC and to an operator. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorFacts>> = {
  // carrier
  token_missing: { http: 401, grpc: 16, title: 'A token is required', rule: 'RFC 6750 section 3 (ER-2)' },
  token_ambiguous: {
    ...badRequest(
      'The request carries its credentials in a wrong form',
      'RFC 6750 section 3.1, Txn-Tokens section 12 (B5, E4, TT-25)',
    ),
    oauth: 'invalid_request',
  },
  scheme_unsupported: badToken('RFC 6750 section 2.1: the scheme must be Bearer (B5)'),
  sender_constrained: badToken('RFC 7800: a token bound to its sender is not a bearer token (WI-8)'),
  proof_invalid: {
    http: 401,
    grpc: 16,
    oauth: 'invalid_dpop_proof',
    title: 'The proof of possession was not accepted',
    rule: 'RFC 9449 section 4.3: the DPoP proof of a token that is bound to a key (WI-7)',
  },
  // jws
  token_too_large: badToken('Token size limit (F6, JO-17)'),
  token_malformed: badToken('RFC 7515 section 3.1: compact serialization, canonical base64url (A11, A13, JO-1)'),
  json_invalid: badToken('RFC 7519 section 7.2: UTF-8 JSON objects without duplicate names (B1, B8, B9, JO-3)'),
  header_invalid: badToken('RFC 7515 section 4: header parameters have their registered types (JO-6)'),
  critical_header: badToken('RFC 7515 section 4.1.11: crit is not understood (A8, JO-4, JO-5)'),
  type_not_allowed: badToken('RFC 8725 section 3.11: typ is not one the policy allows (B11, AT-1, JB-12)'),
  algorithm_not_allowed: badToken('RFC 8725 section 3.1: alg is not in the allow-list of the issuer (A1, A3, JB-1, JB-3)'),
  key_unknown: badToken('RFC 7515 section 4.1.4: no trusted key with this kid and alg (B14, JB-2, JB-9)'),
  key_untrusted: badToken('The key that signed the token is no longer trusted (D7, VC-4)'),
  signature_invalid: badToken('RFC 7515 section 5.2: the signature does not verify'),
  // claims
  issuer_not_trusted: badToken('RFC 8725 section 3.8: iss is not a trusted issuer (B4, AT-3, JB-9)'),
  audience_mismatch: badToken('RFC 8725 section 3.9: aud does not contain this audience (B4, AT-4, JB-10)'),
  claim_missing: badToken('RFC 9068 section 2.2: a required claim is missing (AT-8)'),
  claim_invalid: badToken('RFC 7519 section 4.1: a registered claim has a wrong type or value (B3, B4, JO-8)'),
  token_expired: badToken('RFC 7519 section 4.1.4: now is on or after exp (AT-6, JO-8)'),
  token_not_yet_valid: badToken('RFC 7519 section 4.1.5: now is before nbf (JO-8)'),
  token_too_old: badToken('Policy: now is on or after iat plus the maximum token age'),
  // revocation
  token_revoked: badToken('RFC 6750 section 3.1: the token, its session, its subject or its key was revoked (D7)'),
  revocation_unavailable: {
    http: 503,
    grpc: 14,
    title: 'Revocations are unavailable',
    rule: 'A token is not accepted while nobody can say whether it was revoked (D10, ER-4)',
  },
  token_replayed: badToken('RFC 7519 section 4.1.7: a one-time token was used before (B12)'),
  replay_unavailable: {
    http: 503,
    grpc: 14,
    title: 'One-time tokens cannot be checked',
    rule: 'A one-time token is not accepted while nobody can say whether it was used (B12, ER-4)',
  },
  voucher_refused: badToken('Txn-Token BCP, batch processing: the token service did not take the voucher (TT-34)'),
  // authorization and exchange
  scope_insufficient: {
    http: 403,
    grpc: 7,
    oauth: 'insufficient_scope',
    title: 'The token does not grant the required scope',
    rule: 'RFC 6750 section 3.1 (ER-2)',
  },
  scope_unknown: {
    http: 403,
    grpc: 7,
    oauth: 'insufficient_scope',
    title: 'The token does not grant the required scope',
    rule: 'Txn-Tokens section 13.14: an unknown scope is never unconstrained (TT-17)',
  },
  // edge
  request_malformed: badRequest('The request is malformed', 'RFC 9112, one canonical path (E6, E8)'),
  header_forbidden: badRequest('The request carries a reserved header', 'A client may not send internal headers (E2, E3)'),
  route_unknown: { http: 404, grpc: 5, title: 'No route matches the request', rule: 'Routes are an allow-list' },
  method_not_allowed: { http: 405, grpc: 12, title: 'The route does not accept this method', rule: 'RFC 9110 section 15.5.6' },
  body_too_large: { http: 413, grpc: 8, title: 'The request body is too large', rule: 'RFC 9110 section 15.5.14' },
  keys_unavailable: {
    http: 503,
    grpc: 14,
    title: 'Verification keys are unavailable',
    rule: 'A good token is not refused for our own outage (ER-4)',
  },
  overloaded: { http: 503, grpc: 14, title: 'The service is overloaded', rule: 'RFC 9110 section 15.6.4' },
  stream_expired: {
    http: 503,
    grpc: 14,
    title: 'The stream has run for as long as it may',
    rule: 'Policy of the route: streams.maxSeconds',
  },
  queue_unavailable: {
    http: 503,
    grpc: 14,
    title: 'The request cannot be accepted for later now',
    rule: 'Nothing is acknowledged before it is stored',
  },
  queue_full: {
    http: 429,
    grpc: 8,
    title: 'Too many requests wait',
    rule: 'RFC 6585 section 4: the queue, or the share of this caller, is full',
  },
  idempotency_conflict: {
    http: 422,
    grpc: 9,
    title: 'The idempotency key belongs to another request',
    rule: 'One key, one request (draft-ietf-httpapi-idempotency-key-header section 2.6)',
  },
  receipt_invalid: internal(
    'The request is not one that was accepted here',
    'Deferred work runs only with the receipt of the gateway that accepted it (TT-33)',
  ),
  upstream_unavailable: { http: 502, grpc: 14, title: 'The upstream is unavailable', rule: 'RFC 9110 section 15.6.3' },
  upstream_timeout: { http: 504, grpc: 4, title: 'The upstream did not answer in time', rule: 'RFC 9110 section 15.6.5' },
  // our own side
  config_invalid: internal('The configuration is invalid', 'Configuration is validated once, before the first request (E13)'),
  clock_invalid: internal('The clock gave no usable time', 'Time must be a finite number (B2)'),
  context_lost: internal('The identity of the caller is not known here', 'Lost context is an error, never another identity (D5)'),
  mint_failed: internal('No Txn-Token could be made', 'Txn-Tokens section 9 (TT-6 ... TT-10)'),
  signing_unavailable: {
    http: 503,
    grpc: 14,
    title: 'No token can be signed',
    rule: 'No signing key is usable: none is made outside the store that all instances share (S12, ER-4)',
  },
  internal: internal('Internal error', 'Anything unexpected refuses (E13)'),
};

/**
 * The only error type that Watchword throws on purpose. `message` is for operators; it names the rule and the place, never a
 * token, a key or a claim value (invariant 5). Refusals have no stack frames: they are answers and not defects, and to collect the
 * frames would be a fifth of what a refusal costs. Errors of our own side (HTTP 500) have them.
 */
export class WatchwordError extends Error {
  override readonly name = 'WatchwordError';
  /** Literal code, stable across versions. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message?: string, options?: ErrorOptions) {
    const limit = Error.stackTraceLimit;
    // Not by assignment: where built-in objects are frozen that would throw.
    const isBare = ERRORS[code].http !== 500 && Reflect.set(Error, 'stackTraceLimit', 0);
    super(message ?? ERRORS[code].title, options);
    if (isBare) Error.stackTraceLimit = limit;
    this.code = code;
  }

  /** What the code means to HTTP, gRPC, an outside caller and an operator. */
  get facts(): ErrorFacts {
    return ERRORS[this.code];
  }
}

/** Turns anything thrown into a {@link WatchwordError}: what we did not foresee is `internal` and refuses (E13). */
export function toWatchwordError(thrown: unknown): WatchwordError {
  return thrown instanceof WatchwordError ? thrown : new WatchwordError('internal', undefined, { cause: thrown });
}

/** Throws `config_invalid` with the offending place unless `condition` holds. */
export function assertConfig(condition: unknown, message: string): asserts condition {
  if (!condition) throw new WatchwordError('config_invalid', message);
}
