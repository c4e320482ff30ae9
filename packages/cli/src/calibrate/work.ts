/** How far a calibration is. */
import { PROTOCOLS } from '@watchword/planner';
import { type CalibrationPlan, durationOf } from './plan.ts';

/** Told what is being measured, and how much of the work is done: 0 to 1. */
export type Progress = (share: number, what: string) => void;

/** Octets of one protocol, about. */
export const HOP_MS = 1000;
/** Starting processes, and filling a cache to weigh it. */
const REST_MS = 4000;

/** Counts what is done of a plan. */
export class Work {
  readonly #totalMs: number;
  readonly #progress: Progress;
  #doneMs = 0;
  #name = '';

  constructor(plan: CalibrationPlan, progress: Progress) {
    this.#totalMs = durationOf(plan) + PROTOCOLS.length * HOP_MS + REST_MS;
    this.#progress = progress;
  }

  begin(name: string): void {
    this.#name = name;
    this.#tell();
  }

  finish(ms: number): void {
    this.#doneMs += ms;
    this.#tell();
  }

  /** Counts time while something runs that lasts as long as it was told to. */
  async run<Result>(name: string, durationMs: number, work: () => Promise<Result>): Promise<Result> {
    this.begin(name);
    const before = this.#doneMs;
    const started = performance.now();
    const timer = setInterval(() => {
      this.#doneMs = before + Math.min(durationMs, performance.now() - started);
      this.#tell();
    }, 250);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      this.#doneMs = before + durationMs;
    }
  }

  #tell(): void {
    this.#progress(Math.min(0.99, this.#doneMs / this.#totalMs), this.#name);
  }
}
