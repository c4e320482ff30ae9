/** A client of the token service: one workload, and what it may do. */
import type { ClientGrant, ClientMethod, TokenClientConfig } from '../../config/sections/token-service.ts';

/** One client. */
export interface TokenClient {
  readonly id: string;
  readonly method: ClientMethod;
  /** `req_wl` of its tokens. */
  readonly workload: string;
  readonly grants: ReadonlySet<ClientGrant>;
  /** Scopes that it may ask for; undefined: whatever the subject token has. */
  readonly scopes: ReadonlySet<string> | undefined;
  readonly requestContext: ReadonlySet<string>;
  readonly requestDetails: ReadonlySet<string>;
  readonly checksPossession: boolean;
}

/** Reads an entry of the configuration. */
export function toClient(entry: TokenClientConfig): TokenClient {
  return Object.freeze({
    id: entry.id,
    method: entry.method,
    workload: entry.workload ?? entry.id,
    grants: new Set(entry.grants),
    scopes: entry.scopes && new Set(entry.scopes),
    requestContext: new Set(entry.requestContext),
    requestDetails: new Set(entry.requestDetails),
    checksPossession: entry.checksPossession,
  });
}
