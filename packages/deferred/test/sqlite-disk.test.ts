/**
 * The same question as of the power-loss test, with nothing taken for granted about SQLite: strace writes down what a real process
 * writes and syncs; the power fails at any step of it; of what was not synced, each sector is lost or not by chance.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, createReadStream, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { amount, freshSeed } from '../../core/test/support/campaign.ts';
import { SeededRandom } from '../../core/test/support/seeded-random.ts';
import { openQueueFile } from '../src/sqlite/file.ts';
import { type DiskStep, STRACE_OPTIONS, diskAfter, readTrace } from './support/disk-trace.ts';
import { diskFolder } from './support/folders.ts';

const LIFE = join(import.meta.dirname, 'support/traced-life.ts');
const ROUNDS = 120;
const DONE = 3;

test('each commit is synced: WAL with synchronous=FULL', () => {
  const folder = diskFolder();
  const { database } = openQueueFile(join(folder, 'queue.db'), 1000);
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  // 2: FULL. In WAL mode 1, NORMAL, would be allowed to lose commits.
  expect([pragma('journal_mode'), pragma('synchronous')]).toEqual(['wal', 2]);
  database.close();
  rmSync(folder, { recursive: true });
});

const canTrace =
  process.platform === 'linux' && spawnSync('strace', ['-o', '/dev/null', process.execPath, '-e', '0']).status === 0;

describe.skipIf(!canTrace)('a disk under a SQLite queue (needs strace that may trace: apt-get install strace)', () => {
  const folder = diskFolder();
  let steps: readonly DiskStep[] = [];

  beforeAll(async () => {
    const [path, trace] = [join(folder, 'queue.db'), join(folder, 'trace')];
    const out = openSync('/dev/null', 'w');
    const { status } = spawnSync('strace', [...STRACE_OPTIONS, '-o', trace, process.execPath, LIFE, path, String(ROUNDS)], {
      stdio: ['ignore', out, out],
      timeout: 240_000,
      killSignal: 'SIGKILL',
    });
    closeSync(out);
    assert.equal(status, 0);
    const lines: string[] = [];
    for await (const line of createInterface({ input: createReadStream(trace) })) lines.push(line);
    steps = readTrace(lines, 2);
    rmSync(trace);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the trace is whole: all that was told, the log begun anew, the database written', () => {
    const told = steps.filter(({ kind }) => kind === 'told');
    expect(told).toHaveLength(3 * ROUNDS);
    const writes = (file: string): number => steps.filter((step) => step.kind === 'write' && step.file === file).length;
    expect(writes('queue.db')).toBeGreaterThan(100);
    expect(writes('queue.db-wal')).toBeGreaterThan(1000);
    const begun = steps.filter((step) => step.kind === 'write' && step.file === 'queue.db-wal' && step.at === 0);
    expect(begun.length).toBeGreaterThan(1);
  });

  const moments = amount(80, 3000);
  test(`S17: holds all that was acknowledged at ${moments} moments at which the power fails`, { timeout: 3_600_000 }, () => {
    const random = new SeededRandom(freshSeed());
    const from = firstAcknowledged(steps);
    try {
      for (let index = 0; index < moments; index += 1) failAt(folder, steps, random.between(from, steps.length), random);
    } catch (error) {
      throw new Error(`seed ${random.seed}`, { cause: error });
    }
  });

  test('notices when acknowledgements come before the sync: the test of the test', () => {
    const random = new SeededRandom(1);
    // As with synchronous=NORMAL: the log is synced only where the database is about to be written.
    const lazy = steps.map((step, index): DiskStep => {
      if (step.kind !== 'synced' || step.file !== 'queue.db-wal') return step;
      const next = steps.slice(index + 1).find(({ kind }) => kind === 'write' || kind === 'told');
      return next?.kind === 'write' && next.file === 'queue.db' ? step : { kind: 'synced', file: step.file, begun: 0 };
    });
    const attempts = Array.from({ length: 40 }, () => random.between(firstAcknowledged(lazy), lazy.length));
    expect(() => {
      for (const count of attempts) failAt(folder, lazy, count, random);
    }).toThrow(/lost|no queue|malformed/);
  });
});

function firstAcknowledged(steps: readonly DiskStep[]): number {
  return steps.findIndex((step) => step.kind === 'told' && step.text.startsWith('accepted')) + 1;
}

/** The power fails after so many steps; then what is left is opened. */
function failAt(folder: string, steps: readonly DiskStep[], count: number, random: SeededRandom): void {
  const path = join(folder, 'after.db');
  const chance = random.pick([0, 0.2, 0.5, 0.9, 1]);
  for (const suffix of ['', '-wal']) {
    writeFileSync(
      `${path}${suffix}`,
      diskAfter(steps, count, `queue.db${suffix}`, () => random.chance(chance)),
    );
  }
  const ids = (event: string): readonly string[] =>
    steps.slice(0, count).flatMap((step) => (step.kind === 'told' ? idsOf(step.text, event) : []));
  const states = statesIn(path);
  const lost = ids('accepted').filter((id) => !states.has(id));
  const undone = ids('done').filter((id) => states.get(id) !== DONE);
  assert.ok(lost.length + undone.length === 0, `lost: ${lost.length} entries, ${undone.length} outcomes, at step ${count}`);
  const offered = new Set(ids('offered'));
  assert.ok(
    [...states.keys()].every((id) => offered.has(id)),
    'an entry that nobody has offered',
  );
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

function idsOf(text: string, event: string): readonly string[] {
  const [name, ...ids] = text.trim().split(' ');
  return name === event ? ids : [];
}

function statesIn(path: string): ReadonlyMap<string, number> {
  const database = new DatabaseSync(path);
  try {
    assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
    const isQueue = database.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE name = 'entries'").get()!['count'] === 1;
    assert.ok(isQueue, 'no queue is left');
    const rows = database.prepare('SELECT id, state FROM entries').all();
    return new Map(rows.map(({ id, state }) => [String(id), Number(state)]));
  } finally {
    database.close();
  }
}
