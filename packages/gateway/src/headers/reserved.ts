/** The header names that a client may not send past the edge, as one table, and the one test for all their spellings. */

/**
 * Removed from every request, under every spelling, public routes included (invariant 7, E2, E3, E5). A backend may believe any
 * of them: the first group says who is calling, the second where from, the third which path or method was meant.
 */
export const RESERVED_HEADERS: readonly string[] = [
  'authorization', // the external token never goes past the edge (invariant 10)
  'proxy-authorization',
  'proxy', // HTTP_PROXY of a CGI-like environment (CVE-2016-5385)
  'txn-token',
  'remote-user',
  'x-remote-user',
  'x-user',
  'x-user-id',
  'x-user-email',
  'x-user-name',
  'x-user-groups',
  'x-user-roles',
  'x-userinfo',
  'x-username',
  'x-email',
  'x-groups',
  'x-roles',
  'x-scopes',
  'x-subject',
  'x-tenant-id',
  'x-access-token',
  'x-id-token',
  'x-jwt-assertion',
  'x-jwt-claims',
  'x-jwt-payload',
  'x-authenticated-user',
  'x-authenticated-userid',
  'x-authenticated-scope',
  'x-consumer-id',
  'x-consumer-username',
  'x-credential-identifier',
  'x-endpoint-api-userinfo',
  'x-client-cert',
  'x-client-dn',
  'x-client-verify',

  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'x-remote-addr',
  'x-remote-ip',
  'true-client-ip',
  'cf-connecting-ip',

  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-original-host',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-host',
];

/** Whole families of such names. `x-watchword-` is ours: nothing under it is ever read from the wire (E11). */
export const RESERVED_PREFIXES: readonly string[] = [
  'x-watchword-',
  'x-forwarded-',
  'x-auth-request-',
  'x-goog-authenticated-user-',
  'x-amzn-oidc-',
  'x-ms-client-principal',
  'x-ms-token-',
  'x-ssl-client-',
  'ssl-client-',
  'x-envoy-',
];

const EXACT: ReadonlySet<string> = new Set(RESERVED_HEADERS);

/**
 * One form for all spellings that a backend may take for the same name: CGI-like environments turn every sign into `_` and
 * ignore case (E3); `toLowerCase` folds U+212A KELVIN SIGN to `k`, U+017F LONG S is folded here. Signs around a name are cut off, so
 * that `Authorization_` is no way past.
 */
export function foldHeaderName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll('\u017f', 's')
    .replaceAll(/[^a-z0-9]/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

/** Whether a folded name is reserved. */
export function isReserved(folded: string): boolean {
  return EXACT.has(folded) || RESERVED_PREFIXES.some((prefix) => `${folded}-`.startsWith(prefix));
}
