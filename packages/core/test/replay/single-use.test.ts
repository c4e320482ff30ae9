import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createSingleUseVerifier } from '../../src/replay/single-use-verifier.ts';
import type { SpentTokens } from '../../src/replay/spent-tokens.ts';
import { createSqliteSpentTokens } from '../../src/replay/sqlite-spent-tokens.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, makeToken, verifierOf } from '../support/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchword-spent-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = testKey('ES256');
const tokenWith = (jti: string | undefined): string => makeToken(key, { payload: accessClaims({ jti }) });
const plain = verifierOf(key, { requiredClaims: [] });
let files = 0;
const newPath = (): string => join(folder, `${(files += 1)}.sqlite`);

describe('a one-time token', () => {
  test('B12: is refused from its second use on, also by another instance, and after a restart', async () => {
    const path = newPath();
    const token = tokenWith('once');
    const one = createSqliteSpentTokens({ path });
    const other = createSqliteSpentTokens({ path });
    await expect(createSingleUseVerifier(plain, one).verify(token)).resolves.toMatchObject({ claims: { jti: 'once' } });
    for (const spent of [one, other]) {
      await expect(createSingleUseVerifier(plain, spent).verify(token)).rejects.toMatchObject({ code: 'token_replayed' });
      await spent.close();
    }
    const again = createSqliteSpentTokens({ path });
    await expect(createSingleUseVerifier(plain, again).verify(token)).rejects.toMatchObject({ code: 'token_replayed' });
    await again.close();
  });

  test('B12: is accepted exactly once by many at the same time', async () => {
    const spent = createSqliteSpentTokens({ path: newPath() });
    const verifier = createSingleUseVerifier(plain, spent);
    const token = tokenWith('race');
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => verifier.verify(token)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await spent.close();
  });

  test('B12: is accepted exactly once by several processes', async () => {
    const path = newPath();
    await createSqliteSpentTokens({ path }).close();
    const children = Array.from({ length: 3 }, () => fork(join(import.meta.dirname, 'spender.ts'), [path]));
    const won = await Promise.all(children.map(async (child) => ((await once(child, 'message')) as [number])[0]));
    expect(won.reduce((sum, count) => sum + count, 0)).toBe(50);
  });

  test('B12: is not remembered by a cache in front, whose hit would be a second use', async () => {
    const spent = createSqliteSpentTokens({ path: newPath() });
    const cached = createCachedVerifier(createSingleUseVerifier(plain, spent));
    const token = tokenWith('cached');
    await cached.verify(token);
    expect(cached.recall(token)).toBeUndefined();
    await expect(cached.verify(token)).rejects.toMatchObject({ code: 'token_replayed' });
    await spent.close();
  });

  test('B12: is the same token under every spelling, and another one with another jti', async () => {
    const spent = createSqliteSpentTokens({ path: newPath() });
    const verifier = createSingleUseVerifier(plain, spent);
    await verifier.verify(tokenWith('spelt'));
    // Signed anew: other bytes, the same claims.
    await expect(verifier.verify(tokenWith('spelt'))).rejects.toMatchObject({ code: 'token_replayed' });
    await expect(verifier.verify(tokenWith('other'))).resolves.toBeDefined();
    await spent.close();
  });

  it('needs a jti', async () => {
    const spent = createSqliteSpentTokens({ path: newPath() });
    await expect(createSingleUseVerifier(plain, spent).verify(tokenWith(undefined))).rejects.toMatchObject({
      code: 'claim_missing',
    });
    await spent.close();
  });

  it('is refused with 503 while nobody can say whether it was used', async () => {
    const closed = createSqliteSpentTokens({ path: newPath() });
    await closed.close();
    const truthy = { spend: async () => 1 as unknown as boolean, close: async () => {} } satisfies SpentTokens;
    await expect(createSingleUseVerifier(plain, closed).verify(tokenWith('a'))).rejects.toMatchObject({
      code: 'replay_unavailable',
    });
    await expect(createSingleUseVerifier(plain, truthy).verify(tokenWith('a'))).rejects.toMatchObject({ code: 'token_replayed' });
  });

  it('is not noted when it is refused anyway', async () => {
    const spent = createSqliteSpentTokens({ path: newPath() });
    const verifier = createSingleUseVerifier(plain, spent);
    const token = tokenWith('late');
    await expect(verifier.verify(`${token.slice(0, -3)}AAA`)).rejects.toThrow();
    await expect(verifier.verify(token)).resolves.toBeDefined();
    await spent.close();
  });
});

describe('a SQLite ledger refuses', () => {
  it.each([
    ['no path', {}],
    ['an empty path', { path: '' }],
    ['memory', { path: ':memory:' }],
    ['a folder', { path: folder }],
    ['unknown options', { path: join(folder, 'x'), ttl: 1 }],
  ])('%s', (_name, options) => {
    expect(() => createSqliteSpentTokens(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('forgets what is no longer needed', async () => {
    let nowMs = 0;
    const spent = createSqliteSpentTokens({ path: newPath(), clock: () => nowMs });
    expect(await spent.spend('old', 1)).toBe(true);
    nowMs = 2;
    for (let index = 0; index < 1000; index += 1) await spent.spend(`new ${index}`, 1e12);
    expect(await spent.spend('old', 1)).toBe(true);
    expect(await spent.spend('new 1', 1e12)).toBe(false);
    await spent.close();
  });
});
