/** What a browser may do on our pages (Content Security Policy Level 3). */

const COMMON = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/**
 * The policy of a page. The inspector is a document of its own because of this: whatever runs where a token is pasted can't
 * send anything anywhere, not even to this server.
 */
export function contentSecurityPolicy(path: string): string {
  return [...COMMON, path === '/inspect' ? "connect-src 'none'" : "connect-src 'self'"].join('; ');
}
