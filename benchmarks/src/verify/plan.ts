/** What is measured: algorithms, numbers of tokens, rounds. */
import type { BenchmarkAlgorithm } from '../tokens/key-pair.ts';

/** One comparison: all contenders over the same tokens. */
export interface Comparison {
  readonly algorithm: BenchmarkAlgorithm;
  /** Distinct tokens. */
  readonly tokens: number;
}

/** The whole measurement. */
export interface Plan {
  readonly comparisons: readonly Comparison[];
  /** Rounds in which each contender has a turn. */
  readonly rounds: number;
  /** How long one turn lasts, strings not counted. */
  readonly lapMs: number;
  /** Calls of each contender before the first one that counts. */
  readonly warmUpCalls: number;
}

const SMALL = 1000;
const LARGE = 200_000;

// Signing 200,000 tokens with RSA takes as long as all other work together, so the large sets are those of the two algorithms that
// nearly everybody uses; what a cache does depends on the token's size, not on its algorithm.
const FULL: Plan = {
  comparisons: [
    { algorithm: 'RS256', tokens: SMALL },
    { algorithm: 'ES256', tokens: SMALL },
    { algorithm: 'EdDSA', tokens: SMALL },
    { algorithm: 'PS256', tokens: SMALL },
    { algorithm: 'HS256', tokens: SMALL },
    { algorithm: 'ES256', tokens: LARGE },
    { algorithm: 'RS256', tokens: LARGE },
  ],
  rounds: 7,
  lapMs: 200,
  warmUpCalls: 15_000,
};

const QUICK: Plan = {
  comparisons: [
    { algorithm: 'RS256', tokens: SMALL },
    { algorithm: 'ES256', tokens: 20_000 },
  ],
  rounds: 3,
  lapMs: 60,
  warmUpCalls: 2500,
};

/** The plan of a run. */
export function verifyPlan(quick: boolean): Plan {
  return quick ? QUICK : FULL;
}
