/** How a request says who sends it: exactly one way (RFC 6749 section 2.3). */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { OAuthError, assertOAuth } from '../oauth-error.ts';

/** What a client shows, not checked yet. */
export type Credentials =
  | { readonly method: 'client_secret_basic'; readonly id: string; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly id: string | undefined; readonly assertion: string }
  | { readonly method: 'tls_client_auth'; readonly id: string; readonly socket: TLSSocket };

/** Parameters that take part in client authentication. */
export interface CredentialParameters {
  get(name: string): string | undefined;
}

/** RFC 7523 section 2.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Finds the credentials of a request. @throws OAuthError `invalid_client`, `invalid_request` */
export function credentialsOf(request: IncomingMessage, parameters: CredentialParameters): Credentials {
  const fields = request.headersDistinct.authorization ?? [];
  const id = parameters.get('client_id');
  const assertion = parameters.get('client_assertion');
  // RFC 6749 section 2.3: not more than one method in a request. A secret in the body is none that is offered here.
  assertOAuth(parameters.get('client_secret') === undefined, 'invalid_client', 'A secret in the body is not accepted');
  const ways = fields.length + (assertion === undefined ? 0 : 1);
  assertOAuth(ways <= 1, 'invalid_request', 'More than one way of client authentication');
  if (fields[0] !== undefined) return withId(readBasic(fields[0]), id);
  if (assertion !== undefined) {
    const type = parameters.get('client_assertion_type');
    assertOAuth(type === ASSERTION_TYPE, 'invalid_client', 'This type of client assertion is not accepted');
    return { method: 'private_key_jwt', id, assertion };
  }
  assertOAuth(id !== undefined, 'invalid_client', 'Client authentication is required');
  const { socket } = request;
  assertOAuth(socket instanceof TLSSocket, 'invalid_client', 'Client authentication is required');
  return { method: 'tls_client_auth', id, socket };
}

function withId(credentials: Credentials, id: string | undefined): Credentials {
  assertOAuth(id === undefined || id === credentials.id, 'invalid_client', 'The client ids differ');
  return credentials;
}

function readBasic(field: string): Credentials {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(field) ?? [];
  if (encoded === undefined) throw new OAuthError('invalid_client', 'The Authorization header is not accepted');
  const bytes = Buffer.from(encoded, 'base64');
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  // One spelling only: base64 as an encoder writes it, and UTF-8.
  const isCanonical = bytes.toString('base64') === encoded && Buffer.from(text).equals(bytes);
  assertOAuth(colon > 0 && isCanonical, 'invalid_client', 'The Authorization header is not accepted');
  const id = decode(text.slice(0, colon));
  return { method: 'client_secret_basic', id, secret: decode(text.slice(colon + 1)) };
}

// RFC 6749 section 2.3.1: both are form-encoded before they are joined.
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new OAuthError('invalid_client', 'The Authorization header is not accepted');
  }
}
