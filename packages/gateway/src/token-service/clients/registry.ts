/** The clients of the token service, and the proof that a request comes from one of them (TT-15, TT-20). */
import type { IncomingMessage } from 'node:http';
import type { Verifier } from '@watchword/core';
import { toWatchwordError } from '@watchword/core';
import { OAuthError } from '../oauth-error.ts';
import type { AssertionCheck } from './assertion.ts';
import { type CertificateName, hasCertificate } from './certificate.ts';
import type { TokenClient } from './client.ts';
import { type CredentialParameters, type Credentials, credentialsOf } from './credentials.ts';
import { NO_SECRET, type SecretCheck } from './secret.ts';

/** A client with what proves that it is one: one of the three, by its method. */
export interface RegisteredClient {
  readonly client: TokenClient;
  readonly secret?: SecretCheck | undefined;
  readonly assertion?: AssertionCheck | undefined;
  readonly certificate?: CertificateName | undefined;
  /** Verifies its self-signed subject tokens (TT-12), where it may bring some. */
  readonly selfSigned?: Verifier | undefined;
}

/** Finds out which client sends a request. @throws OAuthError (as a rejection) `invalid_client`, `temporarily_unavailable` */
export type Authenticate = (request: IncomingMessage, parameters: CredentialParameters) => Promise<RegisteredClient>;

/** Builds it. */
export function createAuthenticate(clients: ReadonlyMap<string, RegisteredClient>): Authenticate {
  return async (request, parameters) => {
    const credentials = credentialsOf(request, parameters);
    const id = credentials.id ?? issuerOf((credentials as { assertion: string }).assertion);
    const known = id === undefined ? undefined : clients.get(id);
    // Each client has one method: the weakest of several would be the one to attack.
    const registered = known?.client.method === credentials.method ? known : undefined;
    if (!(await isProven(credentials, registered)) || registered === undefined) {
      throw new OAuthError('invalid_client', 'Client authentication failed');
    }
    return registered;
  };
}

async function isProven(credentials: Credentials, registered: RegisteredClient | undefined): Promise<boolean> {
  switch (credentials.method) {
    case 'client_secret_basic':
      return (registered?.secret ?? NO_SECRET)(credentials.secret) === true;
    case 'private_key_jwt':
      return registered?.assertion !== undefined && isGood(credentials.assertion, registered.assertion);
    case 'tls_client_auth':
      return registered?.certificate !== undefined && hasCertificate(credentials.socket, registered.certificate);
  }
}

async function isGood(assertion: string, check: AssertionCheck): Promise<boolean> {
  try {
    await check(assertion);
    return true;
  } catch (thrown) {
    if (thrown instanceof OAuthError) return false;
    const { facts } = toWatchwordError(thrown);
    // An assertion that nobody can check is not a bad one.
    if (facts.http >= 500) throw thrown;
    return false;
  }
}

/** The client that an assertion says it is from: only to find whose keys to try (RFC 7521 section 4.2, `client_id` is optional). */
function issuerOf(assertion: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const { iss } = (claims ?? {}) as { iss?: unknown };
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}
