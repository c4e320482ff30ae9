import { rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Claim, type Queue, type SqliteQueueOptions, createSqliteQueue } from '../src/index.ts';
import { diskFolder, fastFolder } from './support/folders.ts';
import { START_MS, entryOf } from './support/queue-harness.ts';
import { describeQueue } from './support/queue-suite.ts';

describeQueue('SQLite', async () => {
  const folder = fastFolder();
  const path = join(folder, 'queue.db');
  return {
    open: (choices) => createSqliteQueue({ path, pollMs: 5, ...choices }),
    process: { module: resolve(import.meta.dirname, 'support/sqlite-open.ts'), argument: path },
    destroy: async () => rmSync(folder, { recursive: true }),
  };
});

describe('a SQLite queue', () => {
  let folder: string;
  let path: string;
  let queues: Queue[];
  beforeEach(() => {
    folder = diskFolder();
    path = join(folder, 'queue.db');
    queues = [];
  });
  afterEach(async () => {
    for (const queue of queues) await queue.close();
    rmSync(folder, { recursive: true });
  });

  const open = (options: Partial<SqliteQueueOptions> = {}): Queue => {
    const queue = createSqliteQueue({ path, clock: () => START_MS, ...options });
    queues.push(queue);
    return queue;
  };

  describe('refuses', () => {
    test.each<[string, Record<string, unknown>]>([
      ['no path', { path: undefined }],
      ['a path that is no text', { path: 7 }],
      ['a queue that dies with the process', { path: ':memory:' }],
      ['a folder that is not there', { path: '/nowhere/at/all/queue.db' }],
      ['a folder', { path: tmpdir() }],
      ['unknown options', { synchronous: 'OFF' }],
      ['unknown limits', { limits: { entry: 5 } }],
      ['no room', { limits: { entries: 0 } }],
      ['half an entry', { limits: { entries: 1.5 } }],
      ['a share of nothing', { limits: { issuerShare: 0 } }],
      ['a share of more than all', { limits: { clientShare: 1.5 } }],
      ['to forget outcomes at once', { outcomesKeptMs: 0 }],
      ['to look without pause', { pollMs: 0 }],
      ['a clock that is none', { clock: 5 }],
    ])('%s', (_name, options) => {
      expect(() => open(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    });

    test('a file that is no database', () => {
      writeFileSync(path, 'x'.repeat(4096));
      expect(() => open()).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    });

    test("somebody else's database, and a queue of a later version, and leaves them alone", () => {
      const other = new DatabaseSync(path);
      other.exec('CREATE TABLE mine (a)');
      expect(() => open()).toThrow(expect.objectContaining({ message: expect.stringContaining('another database') }));
      other.exec('DROP TABLE mine; PRAGMA user_version = 99');
      expect(() => open()).toThrow(expect.objectContaining({ message: expect.stringContaining('another version') }));
      other.close();
    });

    test('to say anything by a clock that gives no time', async () => {
      const queue = open({ clock: () => NaN });
      await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
    });

    test('with queue_unavailable while the file cannot be written, and comes back', async () => {
      const queue = open();
      await queue.accept(entryOf());
      for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file);
      writeFileSync(path, 'x'.repeat(4096));
      await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
      await expect(queue.claim('worker-1', 1, { leaseMs: 1000, waitMs: 0 })).rejects.toMatchObject({ code: 'queue_unavailable' });
      await expect(queue.stats()).rejects.toMatchObject({ code: 'queue_unavailable' });
      rmSync(path);
      expect(await queue.accept(entryOf())).toMatchObject({ kind: 'accepted' });
    });
  });

  test('is readable by its owner alone', async () => {
    await open().accept(entryOf());
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o077).toBe(0);
  });

  test('never writes into a file that is not in its place any more', async () => {
    const queue = open();
    await queue.accept(entryOf());
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file);
    const entry = entryOf();
    expect(await queue.accept(entry)).toMatchObject({ kind: 'accepted' });
    expect(await open().status(entry.id)).toMatchObject({ state: 'accepted' });
  });

  test('waits for a lock of another process without stopping the event loop, then goes on', async () => {
    const queue = open();
    await queue.stats();
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const accepting = queue.accept(entryOf());
    let longestMs = 0;
    for (let turn = 0; turn < 20; turn += 1) {
      const from = performance.now();
      await new Promise((next) => setTimeout(next, 10));
      longestMs = Math.max(longestMs, performance.now() - from);
    }
    other.exec('ROLLBACK');
    other.close();
    expect(await accepting).toMatchObject({ kind: 'accepted' });
    expect(longestMs).toBeLessThan(500);
  });

  test('is closed for everybody who closes it, also while something is under way', async () => {
    const queue = open();
    const asked = queue.stats();
    await Promise.all([queue.close(), queue.close()]);
    await queue.close();
    expect(await asked).toMatchObject({ depth: 0 });
    await expect(queue.stats()).rejects.toMatchObject({ code: 'queue_unavailable' });
  });

  test('takes over a file of version 1, with what waits in it and what has ended', async () => {
    const queue = open();
    const [done, waiting] = [entryOf(), entryOf()];
    await queue.accept(done);
    const [claim] = await queue.claim('worker-1', 1, { leaseMs: 1000, waitMs: 0 });
    await queue.settle([[claim!, { state: 'done', status: 200 }]]);
    await queue.accept(waiting);
    await queue.close();
    const old = new DatabaseSync(path);
    old.exec(`ALTER TABLE head DROP COLUMN outcomes; ALTER TABLE head DROP COLUMN unverified; DROP INDEX entries_ended;
      CREATE INDEX entries_ended ON entries (ended_at) WHERE state IN (3, 4); PRAGMA user_version = 1`);
    old.close();
    const limits = { issuerShare: 1, clientShare: 1, outcomes: 1 };
    const renewed = open({ limits });
    expect(await renewed.status(done.id)).toMatchObject({ state: 'done' });
    const [next] = await renewed.claim('worker-1', 2, { leaseMs: 1000, waitMs: 0 });
    expect(next!.entry.id).toBe(waiting.id);
    await renewed.settle([[next!, { state: 'done', status: 200 }]]);
    expect(await renewed.status(done.id)).toBeUndefined();
    expect(await renewed.status(waiting.id)).toMatchObject({ state: 'done' });
  });

  describe('an entry that somebody has deleted, or changed, stops no other one:', () => {
    const claimAll = (queue: Queue): Promise<readonly Claim[]> => queue.claim('worker-1', 10, { leaseMs: 1000, waitMs: 0 });
    const idsOf = (claims: readonly Claim[]): readonly string[] => claims.map(({ entry }) => entry.id);
    const edit = (sql: string, ...values: string[]): void => {
      const database = new DatabaseSync(path);
      database.prepare(sql).run(...values);
      database.close();
    };

    test('its row is gone', async () => {
      const queue = open();
      const [gone, ...others] = [entryOf(), entryOf(), entryOf({ client: 'another' }), entryOf({ issuer: 'another' })];
      for (const entry of [gone!, ...others]) await queue.accept(entry);
      edit('DELETE FROM entries WHERE id = ?', gone!.id);
      expect(idsOf(await claimAll(queue)).toSorted()).toEqual(others.map(({ id }) => id).toSorted());
      expect(await queue.stats()).toMatchObject({ depth: 3, claimed: 3 });
    });

    test('all rows of its client, or of all clients, are gone: nothing is there, and there is room again', async () => {
      const queue = open({ limits: { entries: 4, issuerShare: 1, clientShare: 1 } });
      for (let count = 0; count < 4; count += 1) await queue.accept(entryOf());
      expect(await queue.accept(entryOf())).toMatchObject({ kind: 'full' });
      edit('DELETE FROM entries');
      expect(await claimAll(queue)).toEqual([]);
      expect(await queue.stats()).toMatchObject({ depth: 0, dead: 0, byIssuer: {} });
      expect(await queue.accept(entryOf())).toMatchObject({ kind: 'accepted' });
    });

    test('its row is gone while it is claimed', async () => {
      const queue = open();
      const entry = entryOf();
      await queue.accept(entry);
      const [claim] = await claimAll(queue);
      edit('DELETE FROM entries WHERE id = ?', entry.id);
      expect(await queue.settle([[claim!, { state: 'done', status: 200 }]])).toEqual([false]);
      expect(await claimAll(queue)).toEqual([]);
      expect((await queue.stats()).depth).toBe(0);
    });

    test('its payload is gone: it ends as refused, and whoever asks is told', async () => {
      const queue = open();
      const [gone, other] = [entryOf(), entryOf()];
      for (const entry of [gone, other]) await queue.accept(entry);
      edit('DELETE FROM bodies WHERE seq = (SELECT seq FROM entries WHERE id = ?)', gone.id);
      expect(idsOf(await claimAll(queue))).toEqual([other.id]);
      expect(await queue.status(gone.id)).toMatchObject({ state: 'refused', reason: 'payload_lost' });
      expect(await queue.stats()).toMatchObject({ depth: 1, totals: { refused: 1 } });
    });

    test('it is put under another client, of whom nothing is known', async () => {
      const queue = open();
      const [moved, other] = [entryOf(), entryOf()];
      for (const entry of [moved, other]) await queue.accept(entry);
      edit('UPDATE entries SET client = ? WHERE id = ?', 'nobody', moved.id);
      expect([...idsOf(await claimAll(queue)), ...idsOf(await claimAll(queue))].toSorted()).toEqual(
        [moved.id, other.id].toSorted(),
      );
    });

    test('the accounts are gone', async () => {
      const queue = open();
      const entries = [entryOf(), entryOf({ issuer: 'another' })];
      for (const entry of entries) await queue.accept(entry);
      for (const table of ['issuers', 'clients']) edit(`DELETE FROM ${table}`);
      expect(idsOf(await claimAll(queue)).toSorted()).toEqual(entries.map(({ id }) => id).toSorted());
      expect((await queue.stats()).depth).toBe(2);
    });
  });

  test('forgets outcomes, so that the file stops growing', async () => {
    let nowMs = START_MS;
    const queue = open({ clock: () => nowMs, outcomesKeptMs: 1000, limits: { issuerShare: 1, clientShare: 1 } });
    let pages = 0;
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 200 }, () => queue.accept(entryOf({ payload: new Uint8Array(1000) }))));
      const claims = await queue.claim('worker-1', 200, { leaseMs: 1000, waitMs: 0 });
      await queue.settle(claims.map((claim) => [claim, { state: 'done', status: 200 }] as const));
      nowMs += 1001;
      if (round === 5) pages = pagesOf(path);
    }
    expect(pagesOf(path)).toBeLessThanOrEqual(1.2 * pages);
  });
});

function pagesOf(path: string): number {
  const database = new DatabaseSync(path);
  const { page_count: pages } = database.prepare('PRAGMA page_count').get()!;
  database.close();
  return Number(pages);
}
