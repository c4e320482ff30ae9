/** The indexes by claims: values that users choose can't crowd a chain. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createNhDigest, createShaDigest } from '../../src/cache/token-digest.ts';
import { VerdictIndexes } from '../../src/cache/verdict-indexes.ts';
import { ISSUER, verifiedToken } from '../support/tokens.ts';

const COUNT = 512;

it.each([
  ['end in zeros', (index: number) => `a${'\u0000'.repeat(index)}`],
  ['are numbers', (index: number) => String(index * 2 ** 24)],
  ['differ in one character', (index: number) => 'x'.repeat(index) + 'y' + 'x'.repeat(COUNT - index)],
  ['are not ASCII', (index: number) => `ä${index}`],
])('D9: subjects that %s have hashes of their own', async (_, nameOf) => {
  for (const create of [createNhDigest, createShaDigest]) {
    const indexes = new VerdictIndexes(create(randomBytes));
    indexes.grown(COUNT);
    for (let index = 0; index < COUNT; index += 1) indexes.added(index, await verifiedToken({ sub: nameOf(index) }));
    const found = Array.from({ length: COUNT }, (__, index) =>
      indexes.find({ issuer: ISSUER, sub: nameOf(index), issuedBefore: 0 }),
    );
    expect(found.every((nodes, index) => nodes.includes(index))).toBe(true);
    // NH has a few weak keys for inputs that are nearly equal.
    expect(Math.max(...found.map((nodes) => nodes.length))).toBeLessThan(8);
  }
});

it('a claim that all share makes removing one no slower: links go both ways', async () => {
  const indexes = new VerdictIndexes(createNhDigest(randomBytes));
  const [count, token] = [200_000, await verifiedToken()];
  indexes.grown(count);
  for (let node = 0; node < count; node += 1) indexes.added(node, token);
  // From the oldest on, which are at the far end of the chain: a walk would take 10^10 steps.
  for (let node = 0; node < count; node += 1) indexes.removed(node);
  expect(indexes.find({ issuer: ISSUER, jti: 'token-1' })).toEqual([]);
});
