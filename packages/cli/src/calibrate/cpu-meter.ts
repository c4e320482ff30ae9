/** Counts the processor time of one step of a process, again and again, while the process is busy with everything else. */
import process from 'node:process';

/** What was counted since the last reset. */
export interface CpuReading {
  /** Processor time of the step, in microseconds, the cost of looking subtracted. */
  readonly stepMicros: number;
  readonly steps: number;
  /** Processor time of the whole process, all threads, for everything. */
  readonly processMicros: number;
}

/** Looks at the processor time of this process before and after each step. */
export class CpuMeter {
  #beganMicros = 0;
  #stepMicros = 0;
  #steps = 0;
  #processBeganMicros = cpuMicros();

  begin(): void {
    // The first look pays for a clock that nobody has read for a while; only the second one counts.
    cpuMicros();
    this.#beganMicros = cpuMicros();
  }

  /** What two looks cost with nothing between them is subtracted, each time anew. */
  end(): void {
    const endedMicros = cpuMicros();
    const emptyMicros = cpuMicros() - endedMicros;
    this.#stepMicros += endedMicros - this.#beganMicros - emptyMicros;
    this.#steps += 1;
  }

  /**
   * Runs a step that finishes in one go, or waits for microtasks only.
   * @param whenLater counts a step that gives a promise, in place of this meter
   */
  measure<Result>(step: () => Result, whenLater: CpuMeter = this): Result {
    this.begin();
    const result = step();
    if (!(result instanceof Promise)) {
      this.end();
      return result;
    }
    whenLater.#beganMicros = this.#beganMicros;
    return result.finally(() => whenLater.end()) as Result;
  }

  reset(): void {
    this.#stepMicros = 0;
    this.#steps = 0;
    this.#processBeganMicros = cpuMicros();
  }

  read(): CpuReading {
    return {
      stepMicros: Math.max(0, this.#stepMicros),
      steps: this.#steps,
      processMicros: cpuMicros() - this.#processBeganMicros,
    };
  }
}

// Of all threads, because Linux brings the time of a single one up to date only a few hundred times a second. In whole
// microseconds: over many steps the cuts at both ends cancel out.
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
