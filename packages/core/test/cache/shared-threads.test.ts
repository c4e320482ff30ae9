/** The shared table under real threads. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { SEQUENCE, SLOT_WORDS } from '../../src/cache/shared-slot.ts';
import { type SharedTable, createSharedTable } from '../../src/cache/shared-table.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { testKey } from '../support/keys.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { wordsOf } from '../support/shared-memory.ts';
import type { HammerReport, Task, VerifyReport } from '../support/shared-worker.ts';
import { accessClaims, makeToken } from '../support/tokens.ts';

const NOW_MS = 1_800_000_000_000;
const KEY = 'k'.repeat(43);
const HEADER_WORDS = 16;

const start = (task: Task): Worker => new Worker(new URL('../support/shared-worker.ts', import.meta.url), { workerData: task });

async function finish<Report>(tasks: readonly Task[]): Promise<Report[]> {
  const workers = tasks.map(start);
  try {
    return await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as Report));
  } finally {
    for (const worker of workers) await worker.terminate();
  }
}

/** Entries with a writer at them. */
const claimed = (table: SharedTable): number => {
  const words = wordsOf(table);
  let count = 0;
  for (let at = HEADER_WORDS; at < words.length; at += SLOT_WORDS) count += words[at + SEQUENCE]! & 1;
  return count;
};

const total = <Report>(reports: readonly Report[], of: (report: Report) => number): number =>
  reports.reduce((sum, report) => sum + of(report), 0);

describe('four threads', () => {
  it.each([16, 256])('hammer %i entries: no forged, expired or voided token gets a yes', async (entries) => {
    const table = createSharedTable({ entries });
    const { handle } = table;
    const seed = freshSeed();
    const steps = amount(10_000, 2_000_000);
    const reports = await finish<HammerReport>(
      Array.from({ length: 4 }, (_, index) => ({ kind: 'hammer', handle, seed: seed + index, steps })),
    );
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
    // Otherwise nothing was tested: yes was said, entries were pushed out.
    expect(total(reports, ({ yes }) => yes)).toBeGreaterThan(100);
    expect(total(reports, ({ evicted }) => evicted)).toBeGreaterThan(1000);
    expect(claimed(table)).toBe(0);
  });

  it('verify real tokens, a third of them forged: right verdicts, at most 1.02 signature checks for each good one', async () => {
    const keys = [testKey('ES256'), testKey('Ed25519')];
    const random = new SeededRandom(freshSeed());
    const tokens = Array.from({ length: 600 }, (_, index) => {
      const key = keys[index % 2]!;
      const payload = accessClaims({ sub: `user-${index}`, jti: `${index}` });
      const good = makeToken(key, { payload });
      return index % 3 === 0
        ? { compact: makeToken(key, { payload, signature: random.bytes(64) }), verdict: 'signature_invalid' }
        : { compact: good, verdict: 'accepted' };
    });
    const { handle } = createSharedTable({ entries: 2048 });
    const materials = keys.map(({ material }) => material);
    const orders = Array.from({ length: 4 }, () => Array.from({ length: 3000 }, () => random.int(tokens.length)));
    const reports = await finish<VerifyReport>(
      orders.map((order) => ({ kind: 'verify', handle, keys: materials, tokens, order })),
    );
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
    const forged = orders.flat().filter((index) => index % 3 === 0).length;
    const good = new Set(orders.flat().filter((index) => index % 3 !== 0)).size;
    const checks = (total(reports, (report) => report.checks) - forged) / good;
    expect([checks >= 1, checks <= 1.02], `${checks}, seed ${random.seed}`).toEqual([true, true]);
  });
});

describe('a thread that is terminated', () => {
  it.each([0, 1, 7, 13])('with its claim held, after %i words: one entry is lost, and nothing else', async (stores) => {
    const table = createSharedTable({ entries: 16 });
    const worker = start({ kind: 'freeze', handle: table.handle, token: 'frozen', stores });
    await once(worker, 'message');
    await worker.terminate();
    expect([claimed(table), table.has('frozen', KEY, NOW_MS)]).toEqual([1, false]);
    for (let index = 0; index < 2000; index += 1) {
      table.store(`next-${index}`, KEY, NOW_MS + 300_000, table.era(), NOW_MS);
      expect(table.has(`next-${index}`, KEY, NOW_MS)).toBe(true);
      expect(table.has('frozen', KEY, NOW_MS)).toBe(false);
    }
    // The token itself finds another place.
    table.store('frozen', KEY, NOW_MS + 300_000, table.era(), NOW_MS);
    expect([claimed(table), table.has('frozen', KEY, NOW_MS)]).toEqual([1, true]);
  });

  it('at any moment: at most one entry for each', async () => {
    const table = createSharedTable({ entries: 64 });
    const deaths = amount(6, 200);
    for (let death = 0; death < deaths; death += 1) {
      const flag = new SharedArrayBuffer(4);
      const worker = start({ kind: 'busy', handle: table.handle, flag });
      await Atomics.waitAsync(new Int32Array(flag), 0, 0, 10_000).value;
      await worker.terminate();
    }
    expect(claimed(table)).toBeLessThanOrEqual(deaths);
  });
});
