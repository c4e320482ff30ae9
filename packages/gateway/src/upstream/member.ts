/** One target of an upstream with what is known about how it fares. */
import type { EjectionConfig } from '../config/sections/upstreams.ts';
import { Ejection } from './ejection.ts';
import type { Target } from './target.ts';

/** What is counted about one target. */
export interface MemberStats {
  readonly inFlight: number;
  readonly ejected: boolean;
  /** What the active checks say; true without them. */
  readonly healthy: boolean;
  readonly failures: number;
  readonly ejections: number;
  /** Requests that came here after another attempt had failed. */
  readonly retries: number;
}

/** A target, counted. */
export class Member {
  readonly index: number;
  readonly target: Target;
  readonly ejection: Ejection;
  /** Requests that have been sent and not finished. */
  inFlight = 0;
  healthy = true;
  failures = 0;
  ejections = 0;
  retries = 0;

  constructor(index: number, target: Target, config: EjectionConfig, random: () => number) {
    this.index = index;
    this.target = target;
    this.ejection = new Ejection(config, random);
  }

  /** Whether it should get requests. */
  isUp(nowMs: number): boolean {
    return this.healthy && !this.ejection.isOut(nowMs);
  }

  /** Requests that it would take now. */
  get free(): number {
    return this.target.capacity - this.inFlight;
  }

  stats(nowMs: number): MemberStats {
    const { inFlight, healthy, failures, ejections, retries } = this;
    return { inFlight, healthy, failures, ejections, retries, ejected: this.ejection.isOut(nowMs) };
  }
}
