/** Refusals at once are those that `verify` gives, sooner; where it does not give them at once, there are none (S14). */
import { getHeapSpaceStatistics } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import type { WatchwordError } from '../../src/errors.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import type { KeySource } from '../../src/keys/key-source.ts';
import { createRevocableVerifier } from '../../src/revocation/revocable-verifier.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { earlyRefusalOf } from '../../src/verify/early-refusal.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, clock, issuerPolicy, makeToken, segment, verifierOf } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const token = makeToken(key);
const [HEADER, PAYLOAD, SIGNATURE] = token.split('.') as [string, string, string];
const withHeader = (members: object): string =>
  `${segment({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...members })}.${PAYLOAD}.${SIGNATURE}`;

const early = (verifier: Verifier, compact: unknown): WatchwordError | undefined => earlyRefusalOf(verifier)?.(compact as string);

describe('refused at once, as by verify', () => {
  test.each([
    ['nothing', undefined, 'token_malformed'],
    ['junk', 'junk', 'token_malformed'],
    ['an empty text', '', 'token_malformed'],
    ['four segments', `${token}.`, 'token_malformed'],
    ['a second spelling of the signature', `${token}=`, 'token_malformed'],
    ['too long', token + 'A'.repeat(9000), 'token_too_large'],
    ['no JSON', `${segment('{')}.${PAYLOAD}.${SIGNATURE}`, 'json_invalid'],
    ['crit', withHeader({ crit: ['exp'] }), 'critical_header'],
    ['alg none', withHeader({ alg: 'none' }), 'algorithm_not_allowed'],
    ['another type', withHeader({ typ: 'JWT' }), 'type_not_allowed'],
    ['an unknown key id', withHeader({ kid: 'unknown' }), 'key_unknown'],
    ['an unknown key id of an inherited name', withHeader({ kid: '__proto__' }), 'key_unknown'],
  ])('%s', async (_, compact, code) => {
    const verifier = verifierOf(key);
    expect(early(verifier, compact)?.code).toBe(code);
    expect(await verdict(verifier, compact)).toBe(code);
    await verifier.verify(token);
    // Where the header is a proven one, the rest of the form is left to `verify`.
    expect([code, compact?.startsWith(`${HEADER}.`) ? undefined : code]).toContain(early(verifier, compact)?.code);
  });
});

describe('not refused at once', () => {
  test('a good token, before and after its header is known', async () => {
    const verifier = verifierOf(key);
    expect(early(verifier, token)).toBeUndefined();
    await verifier.verify(token);
    expect(early(verifier, token)).toBeUndefined();
  });

  test('what only the signature or the claims tell', () => {
    const bad = `${HEADER}.${segment(accessClaims({ sub: 'intruder' }))}.${SIGNATURE}`;
    const expired = makeToken(key, { payload: accessClaims({ exp: 1 }) });
    expect([early(verifierOf(key), bad), early(verifierOf(key), expired)]).toEqual([undefined, undefined]);
  });

  test('an unknown key id where the source would ask, or does not say', () => {
    const keys = createLocalKeys({ issuer: issuerPolicy(key).issuer, keys: [key.material] });
    for (const refusal of [() => undefined, undefined]) {
      const source = { ...keys, refusal } as KeySource;
      const verifier = createVerifier({ issuers: [issuerPolicy(key, { keys: source })], clock });
      expect(early(verifier, withHeader({ kid: 'unknown' }))).toBeUndefined();
    }
  });

  test('by a verifier with a `verify` of its own, which may accept more', () => {
    const own = { ...verifierOf(key), verify: () => verifierOf(key).verify(token) };
    expect(early(own, 'junk')).toBeUndefined();
    expect(createCachedVerifier(own).refusal!('junk')).toBeUndefined();
  });
});

test('caches and decorators pass it on; a cache counts a miss', () => {
  const revocations = { revokes: () => false, isFresh: () => true } as never;
  const cached = createCachedVerifier(createRevocableVerifier(verifierOf(key), revocations, { clock }));
  expect(cached.refusal!('junk')?.code).toBe('token_malformed');
  expect(cached.refusal!(token)).toBeUndefined();
  expect(cached.stats()).toMatchObject({ misses: 1, size: 0 });
});

// V8 keeps a copy of each text that a Map or a Set is asked for, until a full collection. A flood of unknown key ids must not
// fill that memory: everybody waits for its collections.
test('S14: nothing of refused tokens is left in old memory', () => {
  const cached = createCachedVerifier(verifierOf(key));
  const refuse = (kid: string): void => {
    const compact = withHeader({ kid: kid.padEnd(250, '-') });
    expect(cached.recall(compact) ?? cached.refusal!(compact)?.code).toBe('key_unknown');
  };
  for (let index = 0; index < 5000; index += 1) refuse(`first-${index}`);
  // In small portions: a collection may come in between.
  const grown = Array.from({ length: 5 }, (_, round) => {
    const before = oldBytes();
    for (let index = 0; index < 1000; index += 1) refuse(`strange-${round}-${index}`);
    return (oldBytes() - before) / 1000;
  });
  expect(median(grown), grown.join(', ')).toBeLessThan(100);
});

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1]!;
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')!.space_used_size;
}
