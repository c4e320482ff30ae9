/** Runs calibration and mesh in turn, so that what the machine does meanwhile is the same for both. */
import type { Calibration } from '@watchword/planner';
import type { Costs } from './calibrated.ts';
import { type LoadTask, type Measured, measureLoad, together } from './load.ts';
import { type MeshFacts, type Predicted, predict } from './predict.ts';

/** One load: what was predicted and what was measured. */
export interface LoadResult {
  readonly name: string;
  readonly predicted: Predicted;
  readonly measured: Measured;
  /** How far each round was off in processor time by the unit costs of that round: a share of what was measured. */
  readonly roundErrors: readonly number[];
}

/** All of it. */
export interface ModelResult {
  readonly calibration: Calibration;
  /** The low rate, then the highest one. */
  readonly loads: readonly LoadResult[];
}

/** Runs the rounds. @param say told what has been measured */
export async function runRounds(
  task: Omit<LoadTask, 'perSecond' | 'measuredMs'>,
  facts: MeshFacts,
  costs: Costs,
  say: (line: string) => void,
): Promise<ModelResult> {
  const { rounds, measuredMs, perSecond } = task.plan;
  const highest: Measured[] = [];
  const rare: Measured[] = [];
  const shown = ({ requestsPerSecond, verificationMicros }: Measured): string =>
    `${verificationMicros.toFixed(1)} us at ${requestsPerSecond.toFixed(0)}/s`;
  for (let round = 1; round <= rounds; round += 1) {
    await costs.busyRound();
    highest.push(await measureLoad({ ...task, measuredMs: measuredMs.highest }));
    await costs.rareRound();
    rare.push(await measureLoad({ ...task, perSecond, measuredMs: measuredMs.rare }));
    say(`   round ${round} of ${rounds}: measured ${shown(rare.at(-1)!)}, ${shown(highest.at(-1)!)}`);
  }
  const { calibration, rounds: calibrations } = await costs.finish();
  const resultOf = (name: string, measured: readonly Measured[], isSaturated: boolean): LoadResult => {
    const whole = together(measured);
    const predictedBy = (by: Calibration, { requestsPerSecond }: Measured): Predicted =>
      predict(facts, by, requestsPerSecond, isSaturated);
    return {
      name: `${name}${whole.requestsPerSecond.toFixed(0)}/s`,
      predicted: predictedBy(calibration, whole),
      measured: whole,
      roundErrors: measured.map((each, index) => {
        const { verificationMicros } = predictedBy(calibrations[index] ?? calibration, each);
        return verificationMicros / each.verificationMicros - 1;
      }),
    };
  };
  return { calibration, loads: [resultOf('', rare, false), resultOf('highest: ', highest, true)] };
}
