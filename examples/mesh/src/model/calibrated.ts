/** Unit costs for the predictions: from a file, or measured in turn with the mesh. */
import { readFileSync } from 'node:fs';
import { type Calibration, parseCalibration } from '@watchword/planner';
import { type CalibrationSession, FULL_CALIBRATION, QUICK_CALIBRATION, startCalibration } from 'watchword';

/** Where unit costs come from. */
export interface Costs {
  /** Does its part of a round, before the mesh does its own. */
  busyRound(): Promise<void>;
  rareRound(): Promise<void>;
  /** All of it, and what each round says on its own: none if nothing is measured. */
  finish(): Promise<{ readonly calibration: Calibration; readonly rounds: readonly Calibration[] }>;
  close(): Promise<void>;
}

/** Reads a file. @throws ShapeError, SyntaxError, or the error of the file system */
export function readCalibration(file: string): Calibration {
  return parseCalibration(JSON.parse(readFileSync(file, 'utf8')));
}

/** Costs that have been measured before: nothing to do. */
export function knownCosts(calibration: Calibration): Costs {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    busyRound: nothing,
    rareRound: nothing,
    finish: () => Promise.resolve({ calibration, rounds: [] }),
    close: nothing,
  };
}

/**
 * While the mesh has its turn the processes of the calibration have a pause of many seconds, after which a hit takes a third more for some
 * seconds. The mesh runs for a reuse window before anybody looks.
 */
const AFTER_A_PAUSE = { leadMs: 5000, fewMs: 2500, rareMs: 3500 };

/** What `watchword calibrate` does, in rounds. @throws Error when it cannot start */
export async function measuredCosts(quick: boolean): Promise<Costs> {
  const plan = quick ? QUICK_CALIBRATION : { ...FULL_CALIBRATION, ...AFTER_A_PAUSE };
  const session: CalibrationSession = await startCalibration(plan, () => {});
  return {
    busyRound: () => session.busyRound(),
    rareRound: () => session.rareRound(),
    async finish() {
      return { calibration: await session.finish(), rounds: session.eachRound() };
    },
    close: () => session.close(),
  };
}
