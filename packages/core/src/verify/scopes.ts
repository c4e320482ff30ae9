/** The `scope` claim: a space-separated string (RFC 8693 section 4.2, RFC 6749 section 3.3). */

const NONE: readonly string[] = Object.freeze([]);
const SPACE = 0x20;

/** Its values, frozen. An absent claim grants nothing. */
export function scopeValues(scope: string | undefined): readonly string[] {
  return scope === undefined || scope === '' ? NONE : Object.freeze(scope.split(' ').filter((value) => value !== ''));
}

/** Whether one of its values is `wanted`. The same as looking through {@link scopeValues}, without making them. */
export function hasScope(scope: string | undefined, wanted: string): boolean {
  // Neither is a scope-token, so nobody was granted it; a search in the text might find them all the same.
  if (scope === undefined || wanted === '' || wanted.includes(' ')) return false;
  for (let at = scope.indexOf(wanted); at >= 0; at = scope.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    const begins = at === 0 || scope.charCodeAt(at - 1) === SPACE;
    if (begins && (end === scope.length || scope.charCodeAt(end) === SPACE)) return true;
  }
  return false;
}
