/** Token exchange (RFC 8693) as Transaction Tokens profile it: a verified subject token in, a Txn-Token out. */
import { type JsonObject, type TxnMinter, type VerifiedToken, scopeValues } from '@watchword/core';
import type { RegisteredClient } from './clients/registry.ts';
import type { TokenClient } from './clients/client.ts';
import { OAuthError, assertOAuth, toOAuthError } from './oauth-error.ts';
import { type SubjectKind, type Subjects, TXN_TOKEN_TYPE, kindOf } from './subjects.ts';

/** What is asked for, read but not judged. */
export interface ExchangeRequest {
  readonly subjectToken: string | undefined;
  readonly subjectTokenType: string | undefined;
  readonly requestedTokenType: string | undefined;
  readonly audiences: readonly string[];
  readonly resources: readonly string[];
  readonly scope: string | undefined;
  readonly hasActor: boolean;
  readonly requestContext: JsonObject | undefined;
  readonly requestDetails: JsonObject | undefined;
  /** Where the message goes that a voucher is for. */
  readonly topic: string | undefined;
}

/** What is answered (TT-22). Never a refresh token. */
export interface ExchangeAnswer {
  readonly access_token: string;
  readonly issued_token_type: string;
  readonly token_type: 'N_A';
  readonly expires_in: number;
  readonly scope: string;
}

/** Exchanges one token. @throws OAuthError (as a rejection) */
export type Exchange = (request: ExchangeRequest, caller: RegisteredClient) => Promise<ExchangeAnswer>;

/** What it is made of. */
export interface ExchangeOptions {
  readonly trustDomain: string;
  readonly subjects: Subjects;
  readonly minter: Pick<TxnMinter, 'mint' | 'replace'>;
  readonly onIssued: (kind: SubjectKind) => void;
}

/** Builds the exchange. */
export function createExchange({ trustDomain, subjects, minter, onIssued }: ExchangeOptions): Exchange {
  return async (request, { client, selfSigned }) => {
    const { kind, subjectToken, scopes } = readRequest(request, client, trustDomain);
    const contexts = contextsOf(request, client);
    try {
      const subject = await subjects.verify(kind, subjectToken, selfSigned);
      assertMayExchange(subject, client);
      const wanted = { subject, scopes, ...contexts, requestingWorkload: client.workload, reuse: false };
      // Of its own for each request: one from a reuse window could have been revoked meanwhile.
      const compact = kind === 'txn' ? minter.replace(wanted) : minter.mint(wanted);
      onIssued(kind);
      return toAnswer(compact);
    } catch (thrown) {
      throw toOAuthError(thrown);
    }
  };
}

/** Longest subject token that is looked at, before its own limit counts. */
const MAX_TOKEN_LENGTH = 65_536;

function readRequest(request: ExchangeRequest, client: TokenClient, trustDomain: string) {
  const { subjectToken, subjectTokenType, requestedTokenType, audiences, resources, scope, hasActor } = request;
  assertOAuth(requestedTokenType !== undefined, 'invalid_request', 'requested_token_type is required');
  assertOAuth(requestedTokenType === TXN_TOKEN_TYPE, 'invalid_request', 'Only Txn-Tokens are issued here');
  assertOAuth(subjectToken !== undefined, 'invalid_request', 'subject_token is required');
  assertOAuth(subjectToken.length <= MAX_TOKEN_LENGTH, 'invalid_request', 'The subject token was not accepted');
  assertOAuth(subjectTokenType !== undefined, 'invalid_request', 'subject_token_type is required');
  // TT-14: removed from the draft; ignoring an actor would be issuing something else than was asked for.
  assertOAuth(!hasActor, 'invalid_request', 'Actor tokens are not accepted');
  assertOAuth(audiences.length > 0, 'invalid_request', 'audience is required');
  // TT-19, TE-2.
  const isHere = audiences.length === 1 && audiences[0] === trustDomain && resources.length === 0;
  assertOAuth(isHere, 'invalid_target', 'Tokens are issued for the trust domain only');
  // Ignoring it would be issuing something else than was asked for.
  assertOAuth(request.topic === undefined, 'invalid_request', 'topic is for vouchers');
  assertOAuth(scope !== undefined, 'invalid_scope', 'scope is required');
  const kind = kindOf(subjectTokenType);
  const grant = kind === 'txn' ? 'replace' : 'exchange';
  assertOAuth(client.grants.has(grant), 'unauthorized_client', 'The client may not exchange this type of token');
  return { kind, subjectToken, scopes: readScopes(scope, client) };
}

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** The scope values of a request. @throws OAuthError `invalid_scope` */
export function readScopes(scope: string, client: TokenClient): readonly string[] {
  assertOAuth(SCOPE.test(scope), 'invalid_scope', 'scope is malformed (RFC 6749 section 3.3)');
  const scopes = [...new Set(scopeValues(scope))];
  const isAllowed = client.scopes === undefined || scopes.every((value) => client.scopes!.has(value));
  assertOAuth(isAllowed, 'invalid_scope', 'The client may not ask for the scope');
  return scopes;
}

// TT-18: what goes into a token is what this workload is trusted to say, by name, and nothing else.
function contextsOf({ requestContext, requestDetails }: ExchangeRequest, client: TokenClient) {
  assertAllowed(requestContext, client.requestContext, 'request_context');
  assertAllowed(requestDetails, client.requestDetails, 'request_details');
  return {
    ...(requestContext === undefined ? {} : { requestContext }),
    ...(requestDetails === undefined ? {} : { transactionContext: requestDetails }),
  };
}

function assertAllowed(context: JsonObject | undefined, names: ReadonlySet<string>, parameter: string): void {
  const isAllowed = Object.keys(context ?? {}).every((name) => names.has(name));
  assertOAuth(isAllowed, 'invalid_request', `${parameter} has a member that the client may not assert`);
}

function assertMayExchange({ claims }: VerifiedToken, client: TokenClient): void {
  // A token that is bound to its sender proves nothing about whoever else brings it (RFC 7800).
  if (claims.cnf !== undefined && !client.checksPossession) {
    throw new OAuthError('invalid_request', 'The subject token was not accepted');
  }
  // TE-8: only who the token says may act for its subject.
  if (claims.may_act === undefined) return;
  const actor = claims.may_act as { readonly sub?: unknown; readonly client_id?: unknown } | null;
  const names = [actor?.sub, actor?.client_id].filter((name) => name !== undefined);
  const isNamed = names.length > 0 && names.every((name) => name === client.id || name === client.workload);
  assertOAuth(isNamed, 'invalid_request', 'The subject token was not accepted');
}

/** What is answered with a token that was just issued (TT-22). */
export function toAnswer(compact: string, issuedType: string = TXN_TOKEN_TYPE): ExchangeAnswer {
  // Our own token, a moment old.
  const payload = Buffer.from(compact.split('.')[1]!, 'base64url').toString('utf8');
  const { exp, iat, scope } = JSON.parse(payload) as { exp: number; iat: number; scope: string };
  return { access_token: compact, issued_token_type: issuedType, token_type: 'N_A', expires_in: exp - iat, scope };
}
