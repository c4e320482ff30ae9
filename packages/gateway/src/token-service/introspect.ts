/** Introspection (RFC 7662): whether a token is good now, and what it says. */
import { type Claims, type JsonValue, type VerifiedToken, toWatchwordError } from '@watchword/core';
import type { TokenClient } from './clients/client.ts';
import { assertOAuth, toOAuthError } from './oauth-error.ts';
import type { SharedKind, SubjectKind, Subjects } from './subjects.ts';

/** What is answered. About a token that is not good nothing is said (RFC 7662 section 2.2). */
export type Introspection = { readonly active: false } | ({ readonly active: true } & Readonly<Record<string, JsonValue>>);

/** Asks about one token. @throws OAuthError (as a rejection), never for a bad token */
export type Introspect = (token: string | undefined, client: TokenClient) => Promise<Introspection>;

/** Builds it. */
export function createIntrospect(subjects: Subjects): Introspect {
  return async (token, client) => {
    assertMayAsk(client);
    assertOAuth(token !== undefined, 'invalid_request', 'token is required');
    const kind = askedKind(token);
    const [outcome] = await subjects.verifyMany(kind, [token]);
    return toIntrospection(outcome!, kind);
  };
}

/** @throws OAuthError `unauthorized_client` */
export function assertMayAsk(client: TokenClient): void {
  assertOAuth(client.grants.has('introspect'), 'unauthorized_client', 'The client may not ask about tokens');
}

/**
 * Which verifier to ask, by the `typ` that the token claims: `token_type_hint` may be wrong (RFC 7662 section 2.1), and the
 * verifier demands that very `typ`.
 */
export function kindByType(token: string): SharedKind {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString('utf8'));
    const { typ } = (header ?? {}) as { typ?: unknown };
    const [, name] = (typeof typ === 'string' && /^(?:application\/)?(txntoken|txn-voucher)\+jwt$/i.exec(typ)) || [];
    if (name === undefined) return 'external';
    return name.length === 'txntoken'.length ? 'txn' : 'voucher';
  } catch {
    return 'external';
  }
}

/** The same for questions: a voucher is worth nothing to whoever asks, as any token of a stranger (TT-34). */
export function askedKind(token: string): 'txn' | 'external' {
  return kindByType(token) === 'txn' ? 'txn' : 'external';
}

/** @throws OAuthError `temporarily_unavailable`, `server_error`: whoever can't find out must not say no */
export function toIntrospection(outcome: PromiseSettledResult<VerifiedToken>, kind: SubjectKind): Introspection {
  if (outcome.status === 'fulfilled') return describe(outcome.value, kind);
  if (toWatchwordError(outcome.reason).facts.http >= 500) throw toOAuthError(outcome.reason);
  return { active: false };
}

/** RFC 7662 section 2.2, and what Txn-Tokens add. Other claims stay here. */
const SHOWN = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'scope', 'client_id', 'cnf'] as const;
const SHOWN_OF_TXN = [...SHOWN, 'txn', 'req_wl', 'req_wl_chain', 'tctx', 'rctx'] as const;

function describe({ claims }: VerifiedToken, kind: SubjectKind): Introspection {
  const members: Record<string, JsonValue> = {};
  for (const name of kind === 'txn' ? SHOWN_OF_TXN : SHOWN) {
    const value = claims[name];
    if (value !== undefined) members[name] = value;
  }
  return { active: true, token_type: kind === 'txn' ? 'N_A' : schemeOf(claims), ...members };
}

// RFC 9449 section 6.2: whoever reads only this must not take a bound token for a plain one. One that is bound to a certificate is
// Bearer all the same (RFC 8705 section 3). A Txn-Token is no access token at all (TT-28).
function schemeOf({ cnf }: Claims): string {
  return typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? 'DPoP' : 'Bearer';
}
