/** Runs calibration and mesh in turn, one rate after the other, so that what the machine does meanwhile is the same for both. */
import type { Calibration } from '@watchword/planner';
import { othersLoad } from 'watchword';
import { mean, quantile } from '../measure/statistics.ts';
import type { Costs } from './calibrated.ts';
import { type LoadTask, type Measured, measureLoad, together } from './load.ts';
import { type MeshFacts, type Predicted, predict } from './predict.ts';

/** One load: what was predicted and what was measured. */
export interface LoadResult {
  readonly name: string;
  readonly predicted: Predicted;
  readonly measured: Measured;
  /** How far each round was off in processor time by the unit costs measured before and after it: a share of what was measured. */
  readonly roundErrors: readonly number[];
  /** By how much another run may differ from the middle of these errors, either way (95 %). */
  readonly uncertainty: number;
  /** Cores that other programs kept busy meanwhile; undefined where the system does not tell. */
  readonly disturbedBy: number | undefined;
}

/** All of it. */
export interface ModelResult {
  readonly calibration: Calibration;
  /** The low rate, then the highest one. */
  readonly loads: readonly LoadResult[];
}

/** What all rounds at one rate gave. */
interface Phase {
  readonly measured: readonly Measured[];
  readonly disturbedBy: number | undefined;
}

/** Runs the rounds. @param say told what has been measured */
export async function runRounds(
  task: Omit<LoadTask, 'perSecond' | 'measuredMs'>,
  facts: MeshFacts,
  costs: Costs,
  say: (line: string) => void,
): Promise<ModelResult> {
  const { rounds, measuredMs, perSecond } = task.plan;
  const phase = async (calibrate: () => Promise<void>, load: Pick<LoadTask, 'perSecond' | 'measuredMs'>): Promise<Phase> => {
    const others = othersLoad();
    const measured: Measured[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      await calibrate();
      const last = await measureLoad({ ...task, ...load });
      measured.push(last);
      say(`   round ${round} of ${rounds}: ${last.verificationMicros.toFixed(1)} us at ${last.requestsPerSecond.toFixed(0)}/s`);
    }
    // Each round of the mesh stands between two of the unit costs: a machine that becomes slower does so for both.
    await calibrate();
    return { measured, disturbedBy: others.end() };
  };
  const highest = await phase(() => costs.busyRound(), { measuredMs: measuredMs.highest });
  // One rate after the other: a machine that is almost idle is another one than a machine that has just been full.
  const rare = await phase(() => costs.rareRound(), { perSecond, measuredMs: measuredMs.rare });
  const { calibration, rounds: calibrations } = await costs.finish();
  const resultOf = (name: string, { measured, disturbedBy }: Phase, isSaturated: boolean): LoadResult => {
    const whole = together(measured);
    const predictedBy = (by: Calibration, { requestsPerSecond }: Measured): Predicted =>
      predict(facts, by, requestsPerSecond, isSaturated);
    const roundErrors = measured.map((each, index) => {
      const around = [index, index + 1].map((place) => predictedBy(calibrations[place] ?? calibration, each).verificationMicros);
      return mean(around) / each.verificationMicros - 1;
    });
    return {
      name: `${name}${whole.requestsPerSecond.toFixed(0)}/s`,
      predicted: predictedBy(calibration, whole),
      measured: whole,
      roundErrors,
      uncertainty: uncertaintyOf(roundErrors),
      disturbedBy,
    };
  };
  return { calibration, loads: [resultOf('', rare, false), resultOf('highest: ', highest, true)] };
}

// Of a median, from the quartiles around it (McGill, Tukey and Larsen 1978: the notches of a box plot).
function uncertaintyOf(errors: readonly number[]): number {
  return (1.57 * (quantile(errors, 0.75) - quantile(errors, 0.25))) / Math.sqrt(errors.length);
}
