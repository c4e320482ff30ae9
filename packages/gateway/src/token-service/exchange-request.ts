/** From a form or from an item of a batch to what is asked for: the same names, the same rules. */
import { type JsonObject, parseStrictObject } from '@watchword/core';
import type { ExchangeRequest } from './exchange.ts';
import type { Form } from './form.ts';
import { OAuthError, assertOAuth } from './oauth-error.ts';

/** RFC 8693 section 2.1. */
export const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Reads the parameters of `POST /token`. @throws OAuthError */
export function readFormRequest(form: Form): ExchangeRequest {
  const grant = form.get('grant_type');
  assertOAuth(grant !== undefined, 'invalid_request', 'grant_type is required');
  assertOAuth(grant === EXCHANGE_GRANT, 'unsupported_grant_type', 'Only token exchange (RFC 8693) is served');
  return {
    subjectToken: form.get('subject_token'),
    subjectTokenType: form.get('subject_token_type'),
    requestedTokenType: form.get('requested_token_type'),
    audiences: form.all('audience'),
    resources: form.all('resource'),
    scope: form.get('scope'),
    hasActor: form.get('actor_token') !== undefined || form.get('actor_token_type') !== undefined,
    requestContext: readContext(form.get('request_context'), 'request_context'),
    requestDetails: readContext(form.get('request_details'), 'request_details'),
    topic: form.get('topic'),
  };
}

/** Reads one item of `POST /batch/exchange`. @throws OAuthError */
export function readItemRequest(item: unknown): ExchangeRequest {
  assertOAuth(typeof item === 'object' && item !== null && !Array.isArray(item), 'invalid_request', 'An item must be an object');
  const members = item as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(members)) assertOAuth(MEMBERS.has(name), 'invalid_request', 'An item has an unknown member');
  const audience = textIn(members, 'audience');
  return {
    subjectToken: textIn(members, 'subject_token'),
    subjectTokenType: textIn(members, 'subject_token_type'),
    requestedTokenType: textIn(members, 'requested_token_type'),
    audiences: audience === undefined ? [] : [audience],
    resources: [],
    scope: textIn(members, 'scope'),
    hasActor: false,
    requestContext: readContext(jsonIn(members, 'request_context'), 'request_context'),
    requestDetails: readContext(jsonIn(members, 'request_details'), 'request_details'),
    topic: textIn(members, 'topic'),
  };
}

const MEMBERS: ReadonlySet<string> = new Set([
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'audience',
  'scope',
  'request_context',
  'request_details',
  'topic',
]);

/** As text: a token with more would be too large (Txn-Token BCP: 4 KB in all). */
const MAX_CONTEXT_LENGTH = 1024;
const MAX_CONTEXT_DEPTH = 8;

// Plain JSON (TT table of section 11.1), one reading only (B8), and what downstream verifiers will accept.
function readContext(json: string | undefined, name: string): JsonObject | undefined {
  if (json === undefined) return undefined;
  assertOAuth(json.length <= MAX_CONTEXT_LENGTH, 'invalid_request', `${name} is too long`);
  try {
    return parseStrictObject(Buffer.from(json), MAX_CONTEXT_DEPTH);
  } catch (cause) {
    throw new OAuthError('invalid_request', `${name} must be a JSON object`, { cause });
  }
}

function textIn(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = members[name];
  assertOAuth(value === undefined || typeof value === 'string', 'invalid_request', `${name} must be a string`);
  return value === '' ? undefined : value;
}

function jsonIn(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = members[name];
  if (value === undefined) return undefined;
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new OAuthError('invalid_request', `${name} is nested too deeply`, { cause });
  }
}
