/** Everything that was measured and computed, as one object: what the screen shows and what `--json` writes. */
import { arch, availableParallelism, cpus } from 'node:os';
import process from 'node:process';
import {
  type GrowthRow,
  type MeasuredCosts,
  REQUESTS_PER_USER_PER_SECOND,
  amortizedMicros,
  growthTable,
} from '@watchword/planner';
import type { Result } from '../measure/measure.ts';
import type { Plan } from '../measure/plan.ts';
import type { StrategyId } from '../strategies.ts';

/** What a gateway does unless it is told otherwise: the growth table is about real ones. */
const DEFAULT_REUSE_WINDOW_SECONDS = 30;

/** The figures of one run. */
export interface Figures {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number; readonly arch: string };
  readonly algorithm: string;
  readonly plan: Plan;
  /** Size of the header that carries the external token to the edge. */
  readonly edgeTokenBytes: number;
  readonly results: readonly Result[];
  /** Share of the verification CPU that verifying once saves against verifying everywhere, 0 to 1. */
  readonly verificationCpuSaved: number;
  /** How many requests share a Txn-Token in the growth table: fewer than here, because its users are less busy. */
  readonly requestsPerTxnToken: number;
  /** Inputs of the growth table. */
  readonly unitCosts: MeasuredCosts;
  readonly growth: readonly GrowthRow[];
}

/** Puts the figures together. @throws Error when a strategy was not measured */
export function toFigures(results: readonly Result[], algorithm: string, edgeTokenBytes: number, plan: Plan): Figures {
  const [everywhere, once] = [resultOf(results, 'verify-everywhere'), resultOf(results, 'verify-once')];
  const requestsPerTxnToken = REQUESTS_PER_USER_PER_SECOND * DEFAULT_REUSE_WINDOW_SECONDS;
  const verificationMicros = amortizedMicros({
    onFirstUse: resultOf(results, 'verify-once-per-request').verificationMicrosPerRequest,
    observed: once.verificationMicrosPerRequest,
    observedRequestsPerToken: plan.requestsPerUser,
    requestsPerToken: requestsPerTxnToken,
  });
  const unitCosts = {
    without: costsOf(everywhere, edgeTokenBytes),
    with: { ...costsOf(once, edgeTokenBytes), verificationMicros },
  };
  return {
    machine: { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), arch: arch() },
    algorithm,
    plan,
    edgeTokenBytes,
    results,
    verificationCpuSaved: 1 - once.verificationMicrosPerRequest / everywhere.verificationMicrosPerRequest,
    requestsPerTxnToken,
    unitCosts,
    growth: growthTable(unitCosts),
  };
}

function resultOf(results: readonly Result[], id: StrategyId): Result {
  const found = results.find((result) => result.id === id);
  if (found === undefined) throw new Error(`${id} was not measured`);
  return found;
}

function costsOf(result: Result, edgeTokenBytes: number): MeasuredCosts['with'] {
  return {
    verificationMicros: result.verificationMicrosPerRequest,
    edgeTokenBytes,
    internalTokenBytes: result.tokenBytesPerHop,
    internalHops: result.internalHops,
    observedRequestsPerSecond: result.requestsPerSecond,
  };
}
