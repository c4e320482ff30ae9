/** What the benchmark tells a thread, and what it hears from it. */
import type { SharedTableHandle } from '@watchword/core';
import type { BenchmarkAlgorithm, VerificationMaterial } from '../tokens/key-pair.ts';

/** One thread's share of a run. */
export interface ThreadTask {
  readonly algorithm: BenchmarkAlgorithm;
  readonly material: VerificationMaterial;
  /** undefined: each thread for itself. */
  readonly handle: SharedTableHandle | undefined;
  /** Verified before the clock runs, so that all code is compiled. */
  readonly warmUp: readonly string[];
  readonly tokens: readonly string[];
  /** Which tokens this thread gets, in order. */
  readonly order: Uint32Array;
  /** Two words: how many threads are ready, and whether they may start. */
  readonly gate: SharedArrayBuffer;
}

/** What it took. */
export interface ThreadResult {
  /** Processor time of this thread. */
  readonly cpuMicros: number;
  readonly signatureChecks: number;
}
