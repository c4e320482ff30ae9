/**
 * Measures the unit costs of this machine as they occur in busy processes: a gateway and four services, each a process, take turns on
 * the cores under load, so that each step finds the processor's caches full of something else. In a loop, a hit takes a tenth of that.
 */
import { type Calibration, parseCalibration } from '@watchword/planner';
import { type Measurements, assemble } from './assemble.ts';
import { CalibrationChild } from './child.ts';
import { measureHops } from './hops.ts';
import { othersLoad } from './others-load.ts';
import type { CalibrationPlan } from './plan.ts';
import { txnTokenCharacters } from './probes.ts';
import { type Stage, startStage } from './stage.ts';
import { type UnitTimes, unitTimesOf } from './unit-times.ts';
import { HOP_MS, type Progress, Work } from './work.ts';

/** Measures. Ends its processes, also when it fails. @throws Error saying what went wrong, also for an impossible measurement */
export async function calibrate(plan: CalibrationPlan, progress: Progress): Promise<Calibration> {
  const work = new Work(plan, progress);
  const others = othersLoad();
  work.begin('starting a gateway and four services');
  const paces = await withStage(plan, (stage) => measurePaces(stage, plan, work));
  work.begin('octets per hop');
  const hops = await measureHops(plan.hops, () => work.finish(HOP_MS));
  work.begin('memory per cached token');
  const cachedTokenBytes = await weigh(plan.weighedTokens);
  const calibration = assemble({
    ...paces,
    hops,
    cachedTokenBytes,
    txnTokenBytes: await txnTokenCharacters(),
    manyTokens: plan.cacheSizes[1],
    // Last: the time of processes that have ended is known as ours.
    disturbedBy: others.end(),
  });
  progress(1, 'done');
  // As a reader of the file will see it: what is written can be read.
  return parseCalibration(JSON.parse(JSON.stringify(calibration)));
}

async function withStage<Result>(plan: CalibrationPlan, measure: (stage: Stage) => Promise<Result>): Promise<Result> {
  const stage = await startStage(plan.cacheSizes);
  try {
    return await measure(stage);
  } finally {
    await stage.close();
  }
}

async function measurePaces(stage: Stage, plan: CalibrationPlan, work: Work): Promise<Pick<Measurements, 'busyRounds' | 'rare'>> {
  const pace = { inFlight: plan.inFlight };
  await work.run('warming up', plan.warmUpMs, () => stage.measure({ pace, durationMs: plan.warmUpMs }, true));
  const busyRounds: UnitTimes[] = [];
  for (let round = 1; round <= plan.rounds; round += 1) {
    const name = `under load, round ${round} of ${plan.rounds}`;
    busyRounds.push(await measurePace(stage, { pace, knownMs: plan.busyMs, probedMs: plan.busyProbesMs, name, plan, work }));
  }
  const name = `${plan.rarePerSecond} requests per second`;
  const rarePace = { perSecond: plan.rarePerSecond };
  const rare = await measurePace(stage, { pace: rarePace, knownMs: plan.rareMs, probedMs: plan.rareProbesMs, name, plan, work });
  return { busyRounds, rare };
}

interface PaceTask {
  readonly pace: Parameters<Stage['measure']>[0]['pace'];
  readonly knownMs: number;
  readonly probedMs: number;
  readonly name: string;
  readonly plan: CalibrationPlan;
  readonly work: Work;
}

async function measurePace(stage: Stage, { pace, knownMs, probedMs, name, plan, work }: PaceTask): Promise<UnitTimes> {
  const known = await work.run(`${name}: hits, proxy, hop`, knownMs, () => stage.measure({ pace, durationMs: knownMs }, false));
  const probed = await work.run(`${name}: verify, sign, mint`, probedMs, () =>
    stage.measure({ pace, durationMs: probedMs }, true),
  );
  return unitTimesOf({ known, probed, seconds: knownMs / 1000 }, plan.cacheSizes);
}

async function weigh(tokens: number): Promise<number> {
  const child = new CalibrationChild('memory', 'memory-process');
  try {
    return await child.ask<number>('weigh', tokens);
  } finally {
    await child.stop();
  }
}
