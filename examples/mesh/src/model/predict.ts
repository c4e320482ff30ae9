/** What the planner says about the mesh, knowing nothing of it but its configuration. */
import {
  type Calibration,
  DEFAULT_SCENARIO,
  type RareCosts,
  type RareStep,
  type Scenario,
  atPace,
  hitMicros,
  plan as planOf,
} from '@watchword/planner';
import type { ModelPlan } from './plan.ts';

/** What is known of the mesh before it runs. */
export interface MeshFacts {
  readonly plan: ModelPlan;
  readonly algorithm: 'RS256' | 'ES256';
  /** Characters of an external token and of a Txn-Token. */
  readonly tokenCharacters: number;
  readonly txnTokenCharacters: number;
  readonly tokenLifetimeSeconds: number;
}

/** What is predicted at one rate. */
export interface Predicted {
  readonly requestsPerSecond: number;
  readonly verificationMicros: number;
  /** Of a service, for a Txn-Token that it knows and for one that it does not. */
  readonly hitMicros: number;
  readonly firstUseMicros: number;
  readonly hitRatio: number;
  readonly tokenBytesPerHop: number;
}

/**
 * Predicts.
 * @param isSaturated whether it is the highest rate of the machine. Then no process waits for requests, whatever the rate is that its
 * core leaves to it; what happens with few of the requests, a first use, is rare all the same
 */
export function predict(facts: MeshFacts, calibration: Calibration, requestsPerSecond: number, isSaturated: boolean): Predicted {
  const scenario = scenarioOf(facts, requestsPerSecond);
  const costs = isSaturated ? neverIdle(calibration) : calibration;
  const { with: cost } = planOf(scenario, costs).now;
  const missed = cost.signatureChecksPerRequest.value / scenario.services.length;
  const firstUse = atPace(costs, requestsPerSecond * missed);
  const lookUps = 1 + scenario.services.length;
  const hops = cost.links.slice(1);
  return {
    requestsPerSecond,
    verificationMicros: (cost.verificationCores.value * 1e6) / requestsPerSecond,
    hitMicros: hitMicros(atPace(costs, requestsPerSecond), facts.plan.users),
    firstUseMicros: firstUse.algorithms.ES256.verifyMicros + firstUse.storeMicros,
    hitRatio: 1 - cost.signatureChecksPerRequest.value / lookUps,
    tokenBytesPerHop: hops.reduce((sum, { tokenBytes }) => sum + tokenBytes.value, 0) / hops.length,
  };
}

/** Unit costs where no process ever waits: without the points that were measured with pauses. */
function neverIdle({ rarely, ...costs }: Calibration): Calibration {
  if (rarely === undefined) return costs;
  const last = (step: RareStep): RareCosts[RareStep] => rarely[step].slice(-1);
  // First uses are rare all the same: only the first point of them had pauses.
  const busy = (step: RareStep): RareCosts[RareStep] => rarely[step].slice(rarely[step].length > 1 ? 1 : 0);
  return {
    ...costs,
    rarely: {
      ...rarely,
      hit: last('hit'),
      reuse: last('reuse'),
      proxy: last('proxy'),
      request: last('request'),
      verify: busy('verify'),
      mint: busy('mint'),
    },
  };
}

/** The mesh as a scenario. */
export function scenarioOf(facts: MeshFacts, requestsPerSecond: number): Scenario {
  const { plan, algorithm, tokenCharacters, txnTokenCharacters, tokenLifetimeSeconds } = facts;
  const one = { workMicros: 0, instances: 1, threads: 1 };
  return {
    ...DEFAULT_SCENARIO,
    name: 'mesh',
    users: plan.users,
    requestsPerUserPerSecond: requestsPerSecond / plan.users,
    services: [
      { name: 'orders', calls: { inventory: 1, pricing: 1 }, ...one },
      { name: 'inventory', calls: {}, ...one },
      { name: 'pricing', calls: { tax: 1 }, ...one },
      { name: 'tax', calls: {}, ...one },
    ],
    token: { bytes: tokenCharacters, algorithm, lifetimeSeconds: tokenLifetimeSeconds },
    txnToken: { bytes: txnTokenCharacters, algorithm: 'ES256', reuseSeconds: plan.reuseWindowSeconds },
    // Nobody logs out during the run.
    session: { busySeconds: tokenLifetimeSeconds, idleSeconds: 0 },
    zipf: plan.zipf,
    gateway: { instances: 1, threads: 1 },
    cache: { ...DEFAULT_SCENARIO.cache, shared: false },
    // The mesh is what it is: nothing is put off, sized or moved to HTTP/2.
    remedies: { ...DEFAULT_SCENARIO.remedies, scaling: false, async: false, http2: false, analysis: false },
  };
}
