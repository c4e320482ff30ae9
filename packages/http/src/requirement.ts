/** Checks what a route asks for, once, while the service starts. */
import { assertConfig } from '@watchword/core';

// RFC 6749 section 3.3: scope-token.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Checks the requirement of a route, so that a typing error never means "no scopes asked for".
 * @param known names of the options that the caller reads
 * @throws WatchwordError `config_invalid` naming the place
 */
export function assertRequirement(options: unknown, known: readonly string[], place: string): void {
  assertConfig(typeof options === 'object' && options !== null && !Array.isArray(options), `${place}: must be an object`);
  for (const name of Object.keys(options)) assertConfig(known.includes(name), `${place}.${name}: unknown option`);
  const { scopes } = options as { scopes?: unknown };
  if (scopes === undefined) return;
  assertConfig(Array.isArray(scopes) && scopes.length > 0, `${place}.scopes: must be a list with at least one scope`);
  const good = scopes.every((scope) => typeof scope === 'string' && SCOPE.test(scope));
  assertConfig(good, `${place}.scopes: each scope must be one scope-token of RFC 6749`);
}
