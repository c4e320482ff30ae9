/** The `scope` claim: a space-separated string (RFC 8693 section 4.2, RFC 6749 section 3.3). */

const NONE: readonly string[] = Object.freeze([]);

/** Its values, frozen. An absent claim grants nothing. */
export function scopeValues(scope: string | undefined): readonly string[] {
  return scope === undefined || scope === '' ? NONE : Object.freeze(scope.split(' ').filter((value) => value !== ''));
}
