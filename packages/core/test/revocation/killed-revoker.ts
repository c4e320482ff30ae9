/** Row S20 for any revocation log: a process that revokes is killed at one point after the other. */
import { expect } from 'vitest';
import type { RevocationLog } from '../../src/index.ts';
import { freshSeed } from '../support/campaign.ts';
import { KilledProcess, pointsOf } from '../support/killed-process.ts';
import { Recorder, eventually, revocationOf } from './log-suite.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const PATIENCE_MS = 60_000;

/** One kind of log. */
export interface KilledRevokerOptions {
  /** The process, which says `trying ${id}` and then `id` for each of its ids, and `done`. */
  readonly script: string;
  /** A place for a new log; it is what the process gets as its argument. */
  newPlace(): string | Promise<string>;
  /** Opens the log that is there. */
  open(place: string): RevocationLog;
  /** At least so many points are passed without a kill. */
  readonly leastPoints: number;
  /** Points of a short run. */
  readonly usualPoints: number;
}

interface Run {
  readonly acknowledged: readonly string[];
  readonly tried: readonly string[];
  /** What whoever opens the log afterwards finds. */
  readonly found: readonly string[];
  /** undefined: it was killed. */
  readonly passed: number | undefined;
}

/** What was acknowledged is there, and nothing that nobody tried, wherever the process is killed. */
export async function expectNothingLost(options: KilledRevokerOptions): Promise<void> {
  const whole = await run(0, options);
  expect([whole.acknowledged, whole.found]).toEqual([IDS, IDS]);
  expect(whole.passed).toBeGreaterThan(options.leastPoints);
  const seed = freshSeed();
  for (const point of pointsOf(whole.passed!, options.usualPoints, seed)) {
    const { acknowledged, tried, found } = await run(point, options);
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
}

async function run(killAt: number, { script, newPlace, open }: KilledRevokerOptions): Promise<Run> {
  const place = await newPlace();
  const [revoker] = await KilledProcess.start(script, place);
  await revoker.arm(killAt);
  const { said } = revoker;
  let hasEnded = false;
  void revoker.ended().then(() => (hasEnded = true));
  await eventually(() => hasEnded || said.includes('done'), 'an end', PATIENCE_MS);
  const passed = hasEnded ? undefined : await revoker.passed();
  await revoker.kill();
  return {
    acknowledged: IDS.filter((id) => said.includes(id)),
    tried: IDS.filter((id) => said.includes(`trying ${id}`)),
    found: await idsIn(open(place)),
    passed,
  };
}

/** Also takes one more: the log has to be good for what comes. */
async function idsIn(log: RevocationLog): Promise<readonly string[]> {
  await log.append(revocationOf('later'));
  const recorder = new Recorder();
  log.follow(recorder);
  await eventually(() => recorder.ids.includes('later'), 'a snapshot', PATIENCE_MS);
  await log.close();
  return recorder.ids.filter((id) => id !== 'later').sort();
}
