/** The bound in bytes, and how close its estimate is to the heap. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, makeToken, verifierOf } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const key = testKey('HS256');
const tokenOf = (index: number, more: object = {}): string =>
  makeToken(key, { payload: accessClaims({ sub: `user-${index}`, jti: `token-number-${index}`, ...more }) });

describe('maxBytes', () => {
  it.each([NaN, Infinity, -1, 0, '60', null])('B2: %s is refused', (maxBytes) => {
    expect(outcome(() => createCachedVerifier(verifierOf(key), { maxBytes: maxBytes as number }))).toBe('config_invalid');
  });

  it('D8: large tokens make each other place, and one over the bound is not stored', async () => {
    const cached = createCachedVerifier(verifierOf(key), { maxEntries: 1000, maxBytes: 20_000 });
    for (let index = 0; index < 100; index += 1) {
      await cached.verify(tokenOf(index, { name: 'x'.repeat(2000) }));
      expect(cached.stats().bytes).toBeLessThanOrEqual(20_000);
    }
    expect(cached.stats()).toMatchObject({ size: 7, evictions: 93 });
    const small = createCachedVerifier(verifierOf(key), { maxBytes: 1000 });
    await small.verify(tokenOf(1, { name: 'x'.repeat(2000) }));
    expect(small.stats()).toMatchObject({ size: 0, bytes: 0 });
  });

  it('replacing, removing and clearing leave nothing on the account', async () => {
    const cached = createCachedVerifier(verifierOf(key));
    for (let index = 0; index < 100; index += 1) await cached.verify(tokenOf(index % 10));
    expect(cached.stats().bytes).toBeGreaterThan(10 * 300);
    cached.clear();
    expect(cached.stats().bytes).toBe(0);
  });
});

const run = promisify(execFile);
const script = fileURLToPath(new URL('../support/cache-memory.ts', import.meta.url));

describe('the estimate', () => {
  // Just after the flat arrays have grown, and just before.
  it.each([
    ['few', 13_000],
    ['few', 24_000],
    ['many', 18_000],
    ['nested', 18_000],
  ])('is within 30 percent of the heap: %s claims, %i tokens', async (shape, count) => {
    const { stdout } = await run(process.execPath, ['--expose-gc', script, shape, String(count)]);
    const { size, bytes, measured } = JSON.parse(stdout) as { size: number; bytes: number; measured: number };
    expect(size).toBe(count);
    expect(bytes / measured, stdout).toBeGreaterThan(0.7);
    expect(bytes / measured, stdout).toBeLessThan(1.3);
  });
});
