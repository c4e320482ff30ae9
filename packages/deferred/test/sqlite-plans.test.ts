/** How SQLite carries out the statements of a queue: none reads entries that it does not need, however many outcomes are kept. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openQueueFile } from '../src/sqlite/file.ts';
import { QUERIES } from '../src/sqlite/rows.ts';
import { fastFolder } from './support/folders.ts';

let folder: string;
let database: DatabaseSync;
beforeAll(() => {
  folder = fastFolder();
  ({ database } = openQueueFile(join(folder, 'queue.db'), 1000));
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

function planOf(query: string): string {
  const values = [...query.matchAll(/\?/g)].map(() => 1);
  return database
    .prepare(`EXPLAIN QUERY PLAN ${query}`)
    .all(...values)
    .map(({ detail }) => String(detail))
    .join('; ');
}

test.each(Object.entries(QUERIES))('%s', (_name, query) => {
  const plan = planOf(query);
  // An index of what waits, or of whom, may be walked; neither holds what has ended.
  expect(plan.replaceAll(/SCAN (?:entries USING (?:COVERING )?INDEX entries_waiting|issuers)/g, '')).not.toContain('SCAN');
  expect(plan).not.toContain('TEMP B-TREE');
});

test('a statement that does read all of them is seen', () => {
  expect(planOf('SELECT * FROM entries WHERE state = 1 AND due <= ?')).toContain('SCAN entries');
});
