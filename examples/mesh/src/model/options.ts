/** The command line of `npm run bench:model`. */
import { parseArgs } from 'node:util';

/** What was asked for. */
export interface ModelOptions {
  readonly quick: boolean;
  readonly help: boolean;
  /** Where the comparison goes. */
  readonly json: string | undefined;
  /** File with unit costs; undefined: they are measured first. */
  readonly calibration: string | undefined;
}

/** Shown by --help. */
export const HELP = `usage: npm run bench:model [-- options]    about 8 minutes

Is the model right? Measures the unit costs of this machine (watchword calibrate) and, in turn with them, what knowing the caller costs in the
mesh of npm start: nine times at the highest rate this machine can drive, then nine times at 50 requests per second. Predicts both with the
planner and prints what was predicted next to what was measured. Off by: how far the round in the middle was, each by the unit costs that
were measured before and after it. Where other programs were too busy, or rounds too far apart, it says so and judges no processor time.

  --calibration FILE  unit costs that have been measured before
  --quick             a minute: shows that everything works, not whether the model is right
  --json FILE         where every figure goes (default: benchmarks/results/model.local.json)
  --help              this text

A target that is missed is marked; it does not make the run fail.`;

/** Reads the arguments. @throws TypeError for what is not an option */
export function readModelOptions(args: readonly string[]): ModelOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
      json: { type: 'string' },
      calibration: { type: 'string' },
    },
  });
  return { quick: values.quick, help: values.help, json: values.json, calibration: values.calibration };
}
