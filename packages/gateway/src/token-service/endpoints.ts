/** The endpoints of a token service, as a table: what each takes and what it does. */
import type { IncomingMessage } from 'node:http';
import type { Authenticate, RegisteredClient } from './clients/registry.ts';
import type { Batch, JsonBody } from './batch.ts';
import type { Exchange } from './exchange.ts';
import { readFormRequest } from './exchange-request.ts';
import { type Form, parseForm, textOf } from './form.ts';
import type { Introspect } from './introspect.ts';
import type { EndpointPaths } from './metadata.ts';
import { assertOAuth } from './oauth-error.ts';
import type { Revoke } from './revoke.ts';

/** One endpoint. */
export interface Endpoint {
  /** Label of its metrics. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** The only accepted type of the body; undefined: there is none. */
  readonly bodyType?: string;
  readonly maxBytes: number;
  readonly cacheControl: string;
  /** The members of the answer. @throws OAuthError (as a rejection) */
  answer(request: IncomingMessage, body: Uint8Array): Promise<object>;
}

/** What the endpoints do. */
export interface EndpointOptions {
  readonly paths: EndpointPaths;
  readonly metadata: object;
  readonly jwks: () => Promise<object>;
  readonly authenticate: Authenticate;
  readonly exchange: Exchange;
  readonly introspect: Introspect;
  /** undefined: there is no revocation log. */
  readonly revoke: Revoke | undefined;
  readonly batchExchange: Batch<object>;
  readonly batchVerify: Batch<object>;
  readonly batchBytes: number;
  readonly onItems: (count: number) => void;
}

/** A token, an assertion and two contexts, percent-encoded. */
const MAX_FORM_BYTES = 65_536;

/** The endpoints by their path. */
export function createEndpoints(options: EndpointOptions): ReadonlyMap<string, Endpoint> {
  const { paths, authenticate, exchange, introspect, revoke, batchBytes } = options;
  const form = (name: string, act: (form: Form, caller: RegisteredClient) => Promise<object>): Endpoint => ({
    name,
    method: 'POST',
    bodyType: 'application/x-www-form-urlencoded',
    maxBytes: MAX_FORM_BYTES,
    // RFC 6749 section 5.1, TT-22.
    cacheControl: 'no-store',
    async answer(request, body) {
      const parameters = parseForm(textOf(body));
      return act(parameters, await authenticate(request, parameters));
    },
  });
  const batch = (name: string, act: Batch<object>): Endpoint => ({
    name,
    method: 'POST',
    bodyType: 'application/json',
    maxBytes: batchBytes,
    cacheControl: 'no-store',
    async answer(request, body) {
      const members = parseJson(textOf(body));
      const answer = await act(members, await authenticate(request, textMembers(members)));
      options.onItems(answer.results.length);
      return answer;
    },
  });
  return new Map<string, Endpoint>([
    [paths.metadata, document('metadata', async () => options.metadata)],
    [paths.jwks, document('jwks', options.jwks)],
    [paths.token, form('token', (parameters, caller) => exchange(readFormRequest(parameters), caller))],
    [paths.introspect, form('introspect', (parameters, { client }) => introspect(parameters.get('token'), client))],
    [paths.batchExchange, batch('batch_exchange', options.batchExchange)],
    [paths.batchVerify, batch('batch_verify', options.batchVerify)],
    ...(revoke === undefined ? [] : ([[paths.revoke, form('revoke', revoking(revoke))]] as const)),
  ]);
}

function revoking(revoke: Revoke): (form: Form, caller: RegisteredClient) => Promise<object> {
  return async (parameters, { client }) => {
    await revoke(parameters.get('token'), client);
    return {};
  };
}

function document(name: string, content: () => Promise<object>): Endpoint {
  // A key is published well before it signs.
  return { name, method: 'GET', maxBytes: 0, cacheControl: 'public, max-age=300', answer: () => content() };
}

function parseJson(text: string): JsonBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  assertOAuth(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    'invalid_request',
    'The body must be a JSON object',
  );
  return value as JsonBody;
}

function textMembers(members: JsonBody): { get(name: string): string | undefined } {
  return {
    get(name) {
      const value = Object.hasOwn(members, name) ? members[name] : undefined;
      assertOAuth(value === undefined || typeof value === 'string', 'invalid_request', `${name} must be a string`);
      return value;
    },
  };
}
