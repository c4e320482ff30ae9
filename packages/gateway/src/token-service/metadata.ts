/** Where the endpoints are, and what the service says about itself (RFC 8414). */
import type { TokenServiceConfig } from '../config/sections/token-service.ts';
import { EXCHANGE_GRANT } from './exchange-request.ts';

/** Paths on the listener. */
export interface EndpointPaths {
  readonly metadata: string;
  readonly token: string;
  readonly jwks: string;
  readonly introspect: string;
  readonly revoke: string;
  readonly batchExchange: string;
  readonly batchVerify: string;
}

/** The paths below the path of the issuer. */
export function endpointPaths(issuer: string): EndpointPaths {
  const { pathname } = new URL(issuer);
  const base = pathname === '/' ? '' : pathname;
  return {
    // RFC 8414 section 3: between the host and the path of the issuer.
    metadata: `/.well-known/oauth-authorization-server${base}`,
    token: `${base}/token`,
    jwks: `${base}/jwks`,
    introspect: `${base}/introspect`,
    revoke: `${base}/revoke`,
    batchExchange: `${base}/batch/exchange`,
    batchVerify: `${base}/batch/verify`,
  };
}

/** The metadata document. @param canRevoke whether there is a revocation log */
export function metadataOf({ issuer, clients }: TokenServiceConfig, canRevoke: boolean): object {
  const paths = endpointPaths(issuer);
  const at = (path: string): string => new URL(path, issuer).href;
  const methods = [...new Set(clients.map(({ method }) => method))];
  const signing = clients.filter(({ method }) => method === 'private_key_jwt').flatMap(({ algorithms }) => algorithms);
  const authentication = (name: string): object => ({
    [`${name}_endpoint_auth_methods_supported`]: methods,
    ...(signing.length === 0 ? {} : { [`${name}_endpoint_auth_signing_alg_values_supported`]: [...new Set(signing)] }),
  });
  return {
    issuer,
    token_endpoint: at(paths.token),
    jwks_uri: at(paths.jwks),
    introspection_endpoint: at(paths.introspect),
    ...(canRevoke ? { revocation_endpoint: at(paths.revoke) } : {}),
    // There is no authorization endpoint, so there are no response types.
    response_types_supported: [],
    grant_types_supported: [EXCHANGE_GRANT],
    ...authentication('token'),
    ...authentication('introspection'),
    ...(canRevoke ? authentication('revocation') : {}),
    watchword_batch_exchange_endpoint: at(paths.batchExchange),
    watchword_batch_verify_endpoint: at(paths.batchVerify),
  };
}
