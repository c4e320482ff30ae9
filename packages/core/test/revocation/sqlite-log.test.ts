import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRevocations } from '../../src/revocation/revocations.ts';
import type { RevocationLog } from '../../src/revocation/revocation-log.ts';
import { createSqliteRevocationLog } from '../../src/revocation/sqlite-log.ts';
import { Recorder, describeRevocationLog, eventually, revocationOf } from './log-suite.ts';
import { ManualSchedule } from './manual-schedule.ts';

const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'watchword-revocation-'));

describeRevocationLog('SQLite', async () => {
  const folder = temporaryFolder();
  return {
    open: () => createSqliteRevocationLog({ path: join(folder, 'log.db'), pollMs: 5 }),
    destroy: async () => rmSync(folder, { recursive: true }),
  };
});

describe('a SQLite log', () => {
  let folder: string;
  let path: string;
  let logs: RevocationLog[];
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder, 'log.db');
    logs = [];
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const log of logs) await log.close();
    rmSync(folder, { recursive: true });
  });

  const open = (options: Partial<Parameters<typeof createSqliteRevocationLog>[0]> = {}): RevocationLog => {
    const log = createSqliteRevocationLog({ path, pollMs: 5, ...options });
    logs.push(log);
    return log;
  };
  const follow = async (log: RevocationLog): Promise<Recorder> => {
    const recorder = new Recorder();
    log.follow(recorder);
    await eventually(() => recorder.snapshots.length > 0, 'first snapshot');
    return recorder;
  };
  const write = (prefix: string, count: number, atOnce = 1): { child: ChildProcess; acknowledged: () => string[] } => {
    const script = resolve(import.meta.dirname, 'sqlite-writer.ts');
    const child = spawn(process.execPath, [script, path, prefix, `${count}`, `${atOnce}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => (output += chunk));
    return { child, acknowledged: () => output.split('\n').slice(0, -1) };
  };

  describe('refuses', () => {
    test.each<[string, Record<string, unknown>]>([
      ['no path', { path: undefined }],
      ['a path that is no text', { path: 7 }],
      ['a log that dies with the process', { path: ':memory:' }],
      ['a folder that is not there', { path: '/nowhere/at/all/log.db' }],
      ['a folder', { path: tmpdir() }],
      ['unknown options', { synchronous: 'OFF' }],
      ['to poll without pause', { pollMs: 0 }],
    ])('%s', (_name, options) => {
      expect(() => open(options)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    });

    test('a file that is no database', () => {
      writeFileSync(path, 'x'.repeat(4096));
      expect(() => open()).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    });

    test("somebody else's database, and leaves it alone", () => {
      const other = new DatabaseSync(path);
      other.exec('CREATE TABLE mine (a)');
      other.close();
      expect(() => open()).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('another database') }),
      );
    });

    test('a log of a later version', async () => {
      await open().close();
      const other = new DatabaseSync(path);
      other.exec('PRAGMA user_version = 99');
      other.close();
      expect(() => open()).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('another version') }),
      );
    });
  });

  test('is readable by its owner alone', async () => {
    const log = open();
    await log.append(revocationOf('a'));
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o077).toBe(0);
  });

  test('keeps everything over a restart', async () => {
    const log = open();
    for (let index = 0; index < 20; index += 1) await log.append(revocationOf(`${index}`));
    await log.close();
    expect((await follow(open())).ids).toHaveLength(20);
  });

  test('forgets what expired five minutes ago', async () => {
    const time = new ManualSchedule(1_000_000);
    const log = open({ clock: time.clock, schedule: time.schedule });
    await log.append(revocationOf('a', time.nowMs + 1000));
    time.nowMs += 400_000;
    await log.append(revocationOf('b', time.nowMs + 1000));
    const recorder = new Recorder();
    log.follow(recorder);
    await time.pass(5);
    expect(recorder.ids).toEqual(['b']);
  });

  test('loses nothing that was acknowledged when its writer is killed (kill -9)', async () => {
    for (const atOnce of [1, 8]) {
      const { child, acknowledged } = write(`k${atOnce}`, 1_000_000, atOnce);
      await eventually(() => acknowledged().length >= 60, '60 acknowledged');
      child.kill('SIGKILL');
      await once(child, 'close');
      const { ids } = await follow(open());
      const known = new Set(ids);
      expect(acknowledged().filter((jti) => !known.has(jti))).toEqual([]);
      // What was under way may be there too; not more than that.
      expect(ids.filter((jti) => jti.startsWith(`k${atOnce}-`)).length - acknowledged().length).toBeLessThanOrEqual(atOnce);
    }
  });

  test('takes two processes at once, and a third one follows both', async () => {
    const recorder = await follow(open());
    const writers = [write('one', 100), write('two', 100)];
    await Promise.all(writers.map(({ child }) => once(child, 'close')));
    await eventually(() => recorder.entries.length === 200, 'all 200');
    for (const prefix of ['one', 'two']) {
      const own = recorder.ids.filter((jti) => jti.startsWith(prefix));
      expect(own).toEqual(Array.from({ length: 100 }, (_, index) => `${prefix}-${index}`));
    }
    expect(recorder.snapshots).toHaveLength(1);
  });

  test('waits for a lock of another process without stopping the event loop for long, then goes on', async () => {
    const log = open();
    const recorder = await follow(log);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const done = log.append(revocationOf('a'));
    let longestMs = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      const from = performance.now();
      await new Promise((next) => setTimeout(next, 20));
      longestMs = Math.max(longestMs, performance.now() - from);
    }
    other.exec('ROLLBACK');
    other.close();
    await done;
    expect(recorder.ids).toEqual(['a']);
    expect(longestMs).toBeLessThan(1000);
  });

  test('takes a new snapshot when the history was rewritten at equal length', async () => {
    const log = open();
    const revocations = createRevocations({ log });
    const recorder = await follow(log);
    await revocations.revoke(revocationOf('a'));
    const other = new DatabaseSync(path);
    other.exec(`DELETE FROM revocations; UPDATE head SET link = 'another history'; INSERT INTO revocations
      VALUES (1, 'another history', 'of old', '${JSON.stringify(revocationOf('b'))}', 4000000000000, 0)`);
    await eventually(() => recorder.snapshots.length === 2, 'second snapshot');
    expect(recorder.snapshots[1]!.revocations).toEqual([revocationOf('b')]);
    await eventually(() => revocations.stats().repaid === 1, 'what was lost is back');
    await eventually(() => recorder.entries.length === 2, 'and told');
    other.close();
    revocations.close();
  });

  test('goes on in a new file when the file is deleted, and gets back what was lost', async () => {
    const log = open();
    const revocations = createRevocations({ log });
    await revocations.ready();
    await revocations.revoke(revocationOf('a'));
    rmSync(path);
    await eventually(() => revocations.stats().snapshots === 2, 'second snapshot');
    await eventually(() => revocations.stats().repaid === 1, 'what was lost is back');
    expect((await follow(open())).ids).toEqual(['a']);
    revocations.close();
  });

  test('is not fresh while the file cannot be read, and comes back', async () => {
    const time = new ManualSchedule(1_000_000);
    const log = open({ clock: time.clock, schedule: time.schedule });
    const recorder = new Recorder();
    const follower = log.follow(recorder);
    await time.pass(100);
    expect(follower.freshAtMs).toBe(time.nowMs);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file);
    writeFileSync(path, 'x'.repeat(4096));
    const brokenAtMs = time.nowMs;
    await time.pass(60_000);
    expect(follower.freshAtMs).toBe(brokenAtMs);
    expect(recorder.failures.length).toBeGreaterThan(0);
    // Back-off: not 12,000 attempts.
    expect(recorder.failures.length).toBeLessThan(40);
    await expect(log.append(revocationOf('a'))).rejects.toMatchObject({ code: 'revocation_unavailable' });
    rmSync(path);
    await time.pass(10_000);
    expect(time.nowMs - follower.freshAtMs).toBeLessThan(10);
    await log.append(revocationOf('b'));
    expect(recorder.ids).toContain('b');
  });
});
