/** The part of oidc-provider that the mesh uses; the package comes without types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Token {
    readonly clientId?: string;
  }
  interface Client {
    readonly clientId: string;
  }
  interface ResourceServer {
    readonly scope: string;
    readonly audience: string;
    readonly accessTokenFormat: 'jwt';
    readonly jwt: { readonly sign: { readonly alg: string } };
  }
  interface Configuration {
    readonly jwks: { readonly keys: readonly object[] };
    readonly clients: readonly object[];
    readonly scopes: readonly string[];
    readonly ttl: { readonly ClientCredentials: (context: unknown, token: Token, client: Client) => number };
    readonly extraTokenClaims: (context: unknown, token: Token) => Record<string, unknown>;
    readonly features: {
      readonly devInteractions: { readonly enabled: boolean };
      readonly clientCredentials: { readonly enabled: boolean };
      readonly resourceIndicators: { readonly enabled: boolean; readonly getResourceServerInfo: () => ResourceServer };
    };
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): this;
  }
}
