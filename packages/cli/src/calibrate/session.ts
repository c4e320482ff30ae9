/** A calibration whose rounds somebody else may take turns with: what the machine does meanwhile is then the same for both. */
import { type Calibration, parseCalibration } from '@watchword/planner';
import { type Measurements, assemble } from './assemble.ts';
import { CalibrationChild } from './child.ts';
import { measureHops } from './hops.ts';
import { othersLoad } from './others-load.ts';
import type { CalibrationPlan } from './plan.ts';
import { txnTokenCharacters } from './probes.ts';
import { type BusyRound, type RareRound, Rounds } from './rounds.ts';
import { startStage } from './stage.ts';
import { HOP_MS, type Progress, Work } from './work.ts';

/** A calibration that goes on. */
export interface CalibrationSession {
  /** Measures under load, once. */
  busyRound(): Promise<void>;
  /** Measures with pauses between requests, once. */
  rareRound(): Promise<void>;
  /**
   * Measures what does not depend on the pace, and puts together what the rounds say.
   * @throws Error when there was no round of one kind
   */
  finish(): Promise<Calibration>;
  /** After {@link finish}: what each pair of rounds says on its own. */
  eachRound(): readonly Calibration[];
  /** Ends its processes. Idempotent. */
  close(): Promise<void>;
}

/** Starts the processes and warms them up. @throws Error saying what went wrong; then nothing is left running */
export async function startCalibration(plan: CalibrationPlan, progress: Progress): Promise<CalibrationSession> {
  const work = new Work(plan, progress);
  const others = othersLoad();
  work.begin('starting a gateway and four services');
  const stage = await startStage(plan.cacheSizes);
  const rounds = new Rounds(stage, plan, (name, durationMs, run) => work.run(name, durationMs, run));
  const busyRounds: BusyRound[] = [];
  const rareRounds: RareRound[] = [];
  let rest: Omit<Measurements, 'busyRounds' | 'rareRounds'> | undefined;
  try {
    await rounds.warmUp();
  } catch (error) {
    await stage.close();
    throw error;
  }
  return {
    async busyRound() {
      busyRounds.push(await rounds.busy());
    },
    async rareRound() {
      rareRounds.push(await rounds.rare());
    },
    async finish() {
      if (busyRounds.length === 0 || rareRounds.length === 0) throw new Error('A calibration takes a round of each kind');
      await stage.close();
      // Last: the time of processes that have ended is known as ours.
      rest = { ...(await measureRest(plan, work)), disturbedBy: others.end() };
      progress(1, 'done');
      return checked({ busyRounds, rareRounds, ...rest });
    },
    eachRound() {
      if (rest === undefined) throw new Error('The calibration is not finished');
      const known = rest;
      return busyRounds
        .slice(0, rareRounds.length)
        .map((round, index) => checked({ busyRounds: [round], rareRounds: [rareRounds[index]!], ...known }));
    },
    close: () => stage.close(),
  };
}

async function measureRest(
  plan: CalibrationPlan,
  work: Work,
): Promise<Omit<Measurements, 'busyRounds' | 'rareRounds' | 'disturbedBy'>> {
  work.begin('octets per hop');
  const hops = await measureHops(plan.hops, () => work.finish(HOP_MS));
  work.begin('memory per cached token');
  const cachedTokenBytes = await weigh(plan.weighedTokens);
  return { hops, cachedTokenBytes, txnTokenBytes: await txnTokenCharacters(), cacheSizes: plan.cacheSizes };
}

// As a reader of the file will see it: what is written can be read.
function checked(measurements: Measurements): Calibration {
  return parseCalibration(JSON.parse(JSON.stringify(assemble(measurements))));
}

async function weigh(tokens: number): Promise<number> {
  const child = new CalibrationChild('memory', 'memory-process');
  try {
    return await child.ask<number>('weigh', tokens);
  } finally {
    await child.stop();
  }
}
