/** Row S20, for what must outlive its process: killed at any await and at any statement, a revocation that was acknowledged is in force. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createSqliteRevocationLog } from '../../src/revocation/sqlite-log.ts';
import { Recorder, eventually, revocationOf } from '../revocation/log-suite.ts';
import { freshSeed } from '../support/campaign.ts';
import { KilledProcess, pointsOf } from '../support/killed-process.ts';

const REVOKER = join(import.meta.dirname, '../revocation/sqlite-revoker.ts');
const IDS = ['a', 'b', 'c', 'd', 'e'];

interface Run {
  readonly acknowledged: readonly string[];
  readonly tried: readonly string[];
  /** What whoever opens the file afterwards finds. */
  readonly found: readonly string[];
  /** undefined: it was killed. */
  readonly passed: number | undefined;
}

async function run(killAt: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-kill-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'log.db');
  const [revoker] = await KilledProcess.start(REVOKER, path);
  await revoker.arm(killAt);
  const { said } = revoker;
  let hasEnded = false;
  void revoker.ended().then(() => (hasEnded = true));
  await eventually(() => hasEnded || said.includes('done'), 'an end', 60_000);
  const passed = hasEnded ? undefined : await revoker.passed();
  await revoker.kill();
  return {
    acknowledged: IDS.filter((id) => said.includes(id)),
    tried: IDS.filter((id) => said.includes(`trying ${id}`)),
    found: await idsIn(path),
    passed,
  };
}

/** Also takes one more: the file has to be good for what comes. */
async function idsIn(path: string): Promise<readonly string[]> {
  const log = createSqliteRevocationLog({ path, pollMs: 5 });
  await log.append(revocationOf('later'));
  const recorder = new Recorder();
  log.follow(recorder);
  await eventually(() => recorder.ids.includes('later'), 'a snapshot', 60_000);
  await log.close();
  return recorder.ids.filter((id) => id !== 'later').sort();
}

test(
  'S20: SQLite: whoever is killed at an await or a statement takes nothing with him that was acknowledged, and leaves nothing strange',
  { timeout: 1_800_000 },
  async () => {
    const whole = await run(0);
    expect([whole.acknowledged, whole.found]).toEqual([IDS, IDS]);
    expect(whole.passed).toBeGreaterThan(50);
    const seed = freshSeed();
    for (const point of pointsOf(whole.passed!, 5, seed)) {
      const { acknowledged, tried, found } = await run(point);
      const name = `seed ${seed}, killed at ${point} of ${whole.passed}`;
      expect(
        acknowledged.filter((id) => !found.includes(id)),
        name,
      ).toEqual([]);
      expect(
        found.filter((id) => !tried.includes(id)),
        name,
      ).toEqual([]);
    }
  },
);
