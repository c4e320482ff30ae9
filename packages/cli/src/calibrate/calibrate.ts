/**
 * Measures the unit costs of this machine as they occur in busy processes: a gateway and four services, each a process, take turns on
 * the cores under load, so that each step finds the processor's caches full of something else. In a loop, a hit takes a tenth of that.
 */
import type { Calibration } from '@watchword/planner';
import type { CalibrationPlan } from './plan.ts';
import { startCalibration } from './session.ts';
import type { Progress } from './work.ts';

/** Measures. Ends its processes, also when it fails. @throws Error saying what went wrong, also for an impossible measurement */
export async function calibrate(plan: CalibrationPlan, progress: Progress): Promise<Calibration> {
  const session = await startCalibration(plan, progress);
  try {
    for (let round = 0; round < plan.rounds; round += 1) await session.busyRound();
    for (let round = 0; round < plan.rounds; round += 1) await session.rareRound();
    return await session.finish();
  } finally {
    await session.close();
  }
}
