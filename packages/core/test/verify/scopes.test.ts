import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasScope, scopeValues } from '../../src/verify/scopes.ts';

describe('hasScope', () => {
  it.each([undefined, '', ' ', 'ab', 'a-b', 'xa', 'b  c'])('does not find "a" in %j', (scope) => {
    expect(hasScope(scope, 'a')).toBe(false);
  });

  it.each(['', ' ', 'a b', ' a', 'a '])('finds nothing for %j, which is no scope', (wanted) => {
    expect(hasScope('a b', wanted)).toBe(false);
  });

  it('says what looking through the values says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', ' '), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (scope, wanted) => {
        expect(hasScope(scope, wanted)).toBe(scopeValues(scope).includes(wanted));
      }),
      { numRuns: 20_000 },
    );
  });
});
