import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMemorySigningKeyStore } from '../../src/keys/memory-signing-keys.ts';
import { createSqliteSigningKeyStore } from '../../src/keys/sqlite-signing-keys.ts';
import { describeSigningKeyStore } from './signing-key-store-suite.ts';

const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'watchword-signing-keys-'));

describeSigningKeyStore('SQLite', async () => {
  const folder = temporaryFolder();
  return {
    open: () => createSqliteSigningKeyStore({ path: join(folder, 'keys.db') }),
    destroy: async () => rmSync(folder, { recursive: true }),
  };
});

describe('a store in memory', () => {
  test('lets one of many replace it, and not late', async () => {
    const store = createMemorySigningKeyStore({ clock: () => 1000 });
    expect(await store.replace('x', undefined, 999)).toBe(false);
    expect(await Promise.all([1, 2, 3].map((one) => store.replace(`${one}`, undefined, 1000)))).toEqual([true, false, false]);
    expect((await store.load()).content).toBe('1');
  });
});

describe('a store in a SQLite file', () => {
  let folder: string;
  let path: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder, 'keys.db');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const invalid = expect.objectContaining({ code: 'config_invalid' });

  test.each<[string, object]>([
    ['no path', {}],
    ['memory', { path: ':memory:' }],
    ['an unknown option', { path: 'x', file: 'y' }],
    ['a folder that is not there', { path: '/nowhere/at/all/keys.db' }],
  ])('refuses %s', (_name, options) => {
    expect(() => createSqliteSigningKeyStore(options as never)).toThrow(invalid);
  });

  test('refuses a file that others may read', () => {
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      writeFileSync(path, '');
      chmodSync(path, mode);
      expect(() => createSqliteSigningKeyStore({ path })).toThrow('chmod 600');
      unlinkSync(path);
    }
  });

  test('refuses a file that is something else', () => {
    writeFileSync(path, 'not a database, but long enough to be read as one'.repeat(40), { mode: 0o600 });
    expect(() => createSqliteSigningKeyStore({ path })).toThrow(invalid);
  });

  test('is readable by its owner alone, journal included', async () => {
    const store = createSqliteSigningKeyStore({ path });
    await store.replace('x', undefined, Infinity);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    await store.close();
  });

  test('does not keep what was replaced', async () => {
    const store = createSqliteSigningKeyStore({ path });
    await store.replace(`secret-of-yesterday-${'x'.repeat(9000)}`, undefined, Infinity);
    const { version } = await store.load();
    await store.replace('short', version, Infinity);
    await store.close();
    for (const file of readdirSync(folder))
      expect(readFileSync(join(folder, file), 'latin1')).not.toContain('secret-of-yesterday');
  });

  test('writes to the file that is there, not to one that was deleted', async () => {
    const store = createSqliteSigningKeyStore({ path });
    await store.replace('first', undefined, Infinity);
    unlinkSync(path);
    expect((await store.load()).content).toBeUndefined();
    expect(await store.replace('second', undefined, Infinity)).toBe(true);
    const other = createSqliteSigningKeyStore({ path });
    expect((await other.load()).content).toBe('second');
    await store.close();
    await other.close();
  });

  test('gives way to a reader that is in the way of a commit: nothing was written, and nobody is locked out', async () => {
    const store = createSqliteSigningKeyStore({ path });
    expect(await store.replace('before', undefined, Infinity)).toBe(true);
    const { version } = await store.load();
    const reader = new DatabaseSync(path);
    reader.exec('BEGIN');
    reader.prepare('SELECT content FROM signing_keys').get();
    await expect(store.replace('during', version, Infinity)).rejects.toThrow('locked');
    expect((await store.load()).content).toBe('before');
    reader.exec('COMMIT');
    // Neither a lock nor a transaction is left.
    expect(reader.prepare('SELECT content FROM signing_keys').get()).toEqual({ content: 'before' });
    expect(await store.replace('after', version, Infinity)).toBe(true);
    expect(reader.prepare('SELECT content FROM signing_keys').get()).toEqual({ content: 'after' });
    reader.close();
    await store.close();
  });

  test('S12: exactly one of several processes makes each key, though some of them are killed', async () => {
    const start = (name: string): ChildProcess => {
      const child = spawn(process.execPath, [resolve(import.meta.dirname, 'rotating-process.ts'), path, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      return child;
    };
    for (const name of ['a', 'b', 'c']) start(name);
    await new Promise((done) => setTimeout(done, 700));
    for (let kills = 0; kills < 3; kills += 1) {
      const victim = children.shift()!;
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      start(`later ${kills}`);
      await new Promise((done) => setTimeout(done, 300));
    }
    const reader = createSqliteSigningKeyStore({ path });
    const rotationsOf = async (): Promise<number> =>
      (JSON.parse((await reader.load()).content!) as { rotations: number }).rotations;
    await vi.waitFor(async () => expect(await rotationsOf()).toBeGreaterThan(5), { timeout: 20_000, interval: 100 });
    await reader.close();
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
    const store = createSqliteSigningKeyStore({ path });
    const { rotations, keys } = JSON.parse((await store.load()).content!) as {
      rotations: number;
      keys: { activatesAtMs: number }[];
    };
    const times = keys.map(({ activatesAtMs }) => activatesAtMs).toSorted((one, other) => one - other);
    // Every key but the first was made when its predecessor was due, and only then: no two stand closer than a rotation.
    expect(keys).toHaveLength(rotations);
    for (const [index, time] of times.slice(1).entries()) expect(time - times[index]!).toBeGreaterThanOrEqual(100);
    await store.close();
  });
});
