/** Rounds of a calibration, at two paces: each looks at the running processes, so that what other programs do in between evens out. */
import type { Load } from './load.ts';
import type { CalibrationPlan } from './plan.ts';
import type { Stage, StageReading } from './stage.ts';

/** Under load: as many requests as the machine can do. */
export interface BusyRound {
  /** With few first uses. */
  readonly few: StageReading;
  /** With little else. */
  readonly many: StageReading;
  /** With further steps. */
  readonly probes: StageReading;
}

/** With pauses between requests. */
export interface RareRound {
  /** At the low rate. */
  readonly rare: StageReading;
  readonly probes: StageReading;
  /** Between the low rate and the highest one. */
  readonly middle: StageReading;
}

/** Runs a load for so long, told what it is for. */
export type RunLoad = (name: string, durationMs: number, run: () => Promise<StageReading>) => Promise<StageReading>;

/** Measures round after round. */
export class Rounds {
  readonly #stage: Stage;
  readonly #plan: CalibrationPlan;
  readonly #run: RunLoad;
  /** Requests per second under load, as far as it is known. */
  #highest = 0;

  constructor(stage: Stage, plan: CalibrationPlan, run: RunLoad) {
    this.#stage = stage;
    this.#plan = plan;
    this.#run = run;
  }

  /** Lets code be compiled. */
  async warmUp(): Promise<void> {
    const { inFlight, warmUpMs, manyShare } = this.#plan;
    await this.#measure('warming up', { pace: { inFlight }, durationMs: warmUpMs, freshShare: manyShare }, true);
    const { requests, seconds } = await this.#measure('warming up', { pace: { inFlight }, durationMs: warmUpMs }, false);
    this.#highest = requests / seconds;
  }

  async busy(): Promise<BusyRound> {
    const { inFlight, fewPerSecond, manyShare, rareShare, leadMs, fewMs, manyMs, busyProbesMs } = this.#plan;
    const pace = { inFlight };
    const freshShare = Math.min(manyShare / 2, fewPerSecond / this.#highest);
    await this.#measure('under load', { pace, durationMs: leadMs, freshShare }, false);
    const few = await this.#measure('under load: hits, proxy, hop', { pace, durationMs: fewMs, freshShare }, false);
    this.#highest = few.requests / few.seconds;
    const first = { pace, durationMs: manyMs, freshShare: manyShare };
    const many = await this.#measure('under load: first uses', first, false);
    const further = { pace, durationMs: busyProbesMs, freshShare: rareShare };
    return { few, many, probes: await this.#measure('under load: verify, sign, mint', further, true) };
  }

  async rare(): Promise<RareRound> {
    const { rarePerSecond, rareShare, leadMs, middleMs, rareMs, rareProbesMs } = this.#plan;
    const middlePerSecond = Math.sqrt(rarePerSecond * Math.max(rarePerSecond, this.#highest));
    const at = async (perSecond: number, durationMs: number, withProbes: boolean): Promise<StageReading> => {
      const name = `${Math.round(perSecond)} requests per second${withProbes ? ': verify, sign, mint' : ''}`;
      return await this.#measure(name, { pace: { perSecond }, durationMs, freshShare: rareShare }, withProbes);
    };
    await at(rarePerSecond, leadMs, false);
    return {
      rare: await at(rarePerSecond, rareMs, false),
      probes: await at(rarePerSecond, rareProbesMs, true),
      // Last: a machine that was busy just now is quicker for a while than one that has been almost idle.
      middle: await at(middlePerSecond, middleMs, false),
    };
  }

  async #measure(name: string, load: Omit<Load, 'port' | 'tokens' | 'zipf'>, withProbes: boolean): Promise<StageReading> {
    const { zipf } = this.#plan;
    return await this.#run(name, load.durationMs, () => this.#stage.measure({ ...load, zipf }, withProbes));
  }
}
