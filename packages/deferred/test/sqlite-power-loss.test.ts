/**
 * What a disk may hold after the power has failed, made of copies of the file taken between acknowledgements. SQLite syncs its log
 * before it acknowledges, and before it copies the log into the database; so at any moment either only the log is half written, or only
 * the database is, with the log complete. Both are tried: sectors old and new at random, the log cut anywhere, sectors of noise.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { amount, freshSeed } from '../../core/test/support/campaign.ts';
import { SeededRandom } from '../../core/test/support/seeded-random.ts';
import { type Claim, type Queue, createSqliteQueue } from '../src/index.ts';
import { diskFolder, fastFolder } from './support/folders.ts';
import { START_MS, entryOf } from './support/queue-harness.ts';

const SECTOR = 512;
/** What stands in front of each page in the log. */
const FRAME_HEADER = 24;
/** Where the log says how large its pages are. */
const PAGE_SIZE_AT = 8;

/** What was acknowledged up to some moment. */
interface Known {
  readonly living: ReadonlySet<string>;
  readonly done: ReadonlySet<string>;
}

/** The files at some moment without anything under way, and what was acknowledged until then. */
interface Moment extends Known {
  readonly database: Buffer;
  readonly log: Buffer;
}

describe('a SQLite queue after a loss of power', () => {
  const transitions = amount(60, 3000);

  test(`S17: holds all that was acknowledged, each entry once (${transitions} moments)`, { timeout: 3_600_000 }, async () => {
    const random = new SeededRandom(freshSeed());
    const folder = fastFolder();
    const history = new History(join(folder, 'queue.db'), random);
    let checkpoints = 0;
    let restarts = 0;
    try {
      let before = await history.next();
      for (let index = 0; index < transitions; index += 1) {
        const after = await history.next();
        checkpoints += Number(!before.database.equals(after.database));
        restarts += Number(!before.log.subarray(0, 32).equals(after.log.subarray(0, 32)));
        // The log is half written: what was acknowledged before must be there, and of the last transaction all or nothing.
        for (const log of tornLogs(before.log, after.log, random)) await recover(folder, before.database, log, [before, after]);
        // The log is written, the database half.
        await recover(folder, mix(before.database, after.database, 4096, random), after.log, [after]);
        before = after;
      }
    } catch (error) {
      throw new Error(`seed ${random.seed}`, { cause: error });
    } finally {
      await history.queue.close();
      rmSync(folder, { recursive: true });
    }
    // Otherwise it was not tried.
    expect(checkpoints).toBeGreaterThan(transitions / 100);
    expect(restarts).toBeGreaterThan(transitions / 100);
  });

  test('notices when what was acknowledged is gone: the test of the test', async () => {
    const folder = fastFolder();
    const random = new SeededRandom(1);
    const history = new History(join(folder, 'queue.db'), random);
    await history.next();
    const { database, log, ...known } = await history.next();
    const lost = recover(folder, database, log.subarray(0, log.length - 4096), [known]);
    await expect(lost).rejects.toThrow('lost');
    await history.queue.close();
    rmSync(folder, { recursive: true });
  });

  const hasStrace = process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0;
  test.skipIf(!hasStrace)(
    `acknowledges nothing before it was synced (needs strace: apt-get install strace)`,
    async ({ skip }) => {
      const folder = diskFolder();
      const script = join(folder, 'accept.ts');
      const source = (file: string): string => JSON.stringify(resolve(import.meta.dirname, file));
      writeFileSync(
        script,
        `import { writeSync } from 'node:fs';
      import { createSqliteQueue } from ${source('../src/index.ts')};
      import { entryOf } from ${source('support/queue-harness.ts')};
      const queue = createSqliteQueue({ path: ${JSON.stringify(join(folder, 'queue.db'))} });
      await queue.stats();
      for (let index = 0; index < 20; index += 1) {
        await queue.accept(entryOf());
        writeSync(2, 'acknowledged\\n');
      }
      await queue.close();`,
      );
      const output = join(folder, 'strace.txt');
      const traced = ['-f', '-e', 'trace=fsync,fdatasync,write', '-o', output, process.execPath, script];
      const { status } = spawnSync('strace', traced, { stdio: 'ignore', timeout: 20_000, killSignal: 'SIGKILL' });
      if (status !== 0) skip('strace may not trace here');
      const calls = readFileSync(output, 'utf8').split('\n');
      const marks = calls.flatMap((line, index) => (line.includes('write(2, "acknowledged') ? [index] : []));
      expect(marks).toHaveLength(20);
      for (let index = 1; index < marks.length; index += 1) {
        const between = calls.slice(marks[index - 1], marks[index]);
        expect(between.some((line) => /f(?:data)?sync\(\d+.*= 0|f(?:data)?sync resumed.*= 0/.test(line))).toBe(true);
      }
      rmSync(folder, { recursive: true });
    },
  );
});

/** A queue with a life, and copies of its files in between. */
class History {
  readonly queue: Queue;
  readonly #path: string;
  readonly #random: SeededRandom;
  readonly #living = new Set<string>();
  readonly #done = new Set<string>();
  #claims: Claim[] = [];

  constructor(path: string, random: SeededRandom) {
    this.queue = createSqliteQueue({ path, clock: () => START_MS, limits: { issuerShare: 1, clientShare: 1 } });
    this.#path = path;
    this.#random = random;
  }

  /** One transaction, or a few. */
  async next(): Promise<Moment> {
    const count = this.#random.between(1, 25);
    if (this.#random.chance(0.5) || this.#living.size < 20) {
      const entries = Array.from({ length: count }, () => entryOf({ payload: Buffer.alloc(this.#random.between(10, 6000), 1) }));
      await Promise.all(entries.map((entry) => this.queue.accept(entry)));
      for (const { id } of entries) this.#living.add(id);
    } else if (this.#claims.length === 0) {
      this.#claims.push(...(await this.queue.claim('worker-1', count, { leaseMs: 1000, waitMs: 0 })));
    } else {
      const claims = this.#claims.splice(0);
      await this.queue.settle(claims.map((claim) => [claim, { state: 'done', status: 200 }] as const));
      for (const { entry } of claims) {
        this.#living.delete(entry.id);
        this.#done.add(entry.id);
      }
    }
    const [database, log] = [readFileSync(this.#path), readFileSync(`${this.#path}-wal`)];
    return { database, log, living: new Set(this.#living), done: new Set(this.#done) };
  }
}

/** The log on its way from one state to the next. */
function* tornLogs(before: Buffer, after: Buffer, random: SeededRandom): Generator<Buffer> {
  yield before;
  yield mix(before, after, SECTOR, random);
  const noisy = mix(before, after, SECTOR, random);
  const at = firstDifference(before, after);
  // Noise only where something was being written.
  if (at < after.length) {
    const sector = at + SECTOR * random.int(Math.max(1, Math.floor((after.length - at) / SECTOR)));
    noisy.fill(random.int(256), sector, Math.min(sector + SECTOR, lastDifference(before, after), noisy.length));
  }
  yield noisy;
  // Cut anywhere behind what was synced: only where nothing that was synced is behind it.
  const isGrown = before.equals(after.subarray(0, before.length));
  if (!isGrown) return;
  yield after.subarray(0, random.between(before.length, after.length));
  // Whole frames, and whole frames with half of the next one.
  const frame = FRAME_HEADER + after.readUInt32BE(PAGE_SIZE_AT);
  const frames = Math.floor((after.length - before.length) / frame);
  const end = before.length + frame * random.int(frames + 1);
  yield after.subarray(0, end);
  yield after.subarray(0, Math.min(after.length, end + frame / 2));
}

/** Blocks of the one or of the other. */
function mix(before: Buffer, after: Buffer, block: number, random: SeededRandom): Buffer {
  const mixed = Buffer.from(after);
  for (let at = 0; at < after.length; at += block) {
    if (!random.chance(0.5)) continue;
    const end = Math.min(at + block, before.length);
    if (at < end) before.copy(mixed, at, at, end);
    else mixed.fill(0, at, Math.min(at + block, mixed.length));
  }
  return mixed;
}

/** Opens what is left, and finds all of what was known at one of `moments`. */
async function recover(folder: string, database: Buffer, log: Buffer, moments: readonly Known[]): Promise<void> {
  const place = mkdtempSync(join(folder, 'after-'));
  const path = join(place, 'queue.db');
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, log);
  const states = statesIn(path);
  const differences = moments.map(({ living, done }) => differenceOf(states, living, done));
  assert.ok(differences.includes(''), `lost: ${differences.join(' or ')}`);
  rmSync(place, { recursive: true });
}

function statesIn(path: string): ReadonlyMap<string, number> {
  const database = new DatabaseSync(path);
  try {
    assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
    const has = database.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE name = 'entries'").get()!['count'];
    if (has === 0) return new Map();
    const rows = database.prepare('SELECT id, state FROM entries').all();
    const states = new Map(rows.map(({ id, state }) => [String(id), Number(state)]));
    assert.equal(states.size, rows.length, 'an entry is there twice');
    const { depth } = database.prepare('SELECT depth FROM head').get()!;
    assert.equal([...states.values()].filter((state) => state <= 2).length, depth, 'the figures do not agree with the entries');
    const bodies = database.prepare('SELECT count(*) AS count FROM entries JOIN bodies USING (seq) WHERE state <= 2').get()![
      'count'
    ];
    assert.equal(bodies, depth, 'an entry without its body');
    return states;
  } finally {
    database.close();
  }
}

function differenceOf(states: ReadonlyMap<string, number>, living: ReadonlySet<string>, done: ReadonlySet<string>): string {
  const lost = [...living].filter((id) => !(states.get(id)! <= 2)).length + [...done].filter((id) => states.get(id) !== 3).length;
  const extra = states.size - living.size - done.size;
  return lost === 0 && extra === 0 ? '' : `${lost} lost, ${extra} too many`;
}

function firstDifference(before: Buffer, after: Buffer): number {
  let at = 0;
  while (at < after.length && before[at] === after[at]) at += 1;
  return at;
}

function lastDifference(before: Buffer, after: Buffer): number {
  let end = Math.max(before.length, after.length);
  while (end > 0 && before[end - 1] === after[end - 1]) end -= 1;
  return end;
}
