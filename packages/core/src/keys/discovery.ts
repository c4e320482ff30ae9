/** Finds an issuer's JWK Set through its metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3). */
import { WatchwordError, assertConfig } from '../errors.ts';
import { type FetchLimits, type Fetch, fetchJson } from './fetch-jwks.ts';
import type { HostRules } from './host-rules.ts';
import type { Discovery } from './remote-keys.ts';

/** Whom to ask, and the rules for its answer. */
export interface DiscoveryRules extends FetchLimits {
  readonly issuer: string;
  /** Address of the metadata document. */
  readonly url: string;
  readonly hosts: HostRules;
  readonly fetch: Fetch;
}

/** Where the metadata of an issuer are. @throws WatchwordError `config_invalid` */
export function metadataUrl(issuer: URL, kind: Discovery): string {
  assertConfig(issuer.search === '' && issuer.hash === '', 'issuer: with discovery it has no query and no fragment');
  // A terminating "/" is left out in both documents.
  const path = issuer.pathname.replace(/\/$/, '');
  return kind === 'oidc'
    ? `${issuer.origin}${path}/.well-known/openid-configuration`
    : `${issuer.origin}/.well-known/oauth-authorization-server${path}`;
}

/**
 * Fetches the metadata.
 * @returns the address of the JWK Set, which has passed the same rules as a configured one (C1)
 * @throws WatchwordError `keys_unavailable`
 */
export async function discover(rules: DiscoveryRules): Promise<string> {
  const { issuer, url, hosts, fetch } = rules;
  const metadata = (await fetchJson(fetch, url, rules)) as { issuer?: unknown; jwks_uri?: unknown } | null;
  // Code point for code point: a document of another issuer must not bring its keys along (RFC 8414 section 3.3, B14).
  if (metadata?.issuer !== issuer) throw new WatchwordError('keys_unavailable', `${url}: is not the metadata of ${issuer}`);
  try {
    return hosts.readUrl(metadata.jwks_uri, 'jwks_uri').href;
  } catch (error) {
    // Their document is not our configuration. What the address was stays unsaid: it is theirs, and may be anything.
    throw new WatchwordError('keys_unavailable', `${url}: ${(error as Error).message}`, { cause: error });
  }
}
