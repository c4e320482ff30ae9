/** What the planner says about the mesh, knowing nothing of it but its configuration. */
import { type Calibration, DEFAULT_SCENARIO, type Scenario, plan as planOf } from '@watchword/planner';
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
  readonly hitRatio: number;
  readonly tokenBytesPerHop: number;
}

/** Predicts. @param isSaturated whether it is the highest rate of the machine: then no process is asked rarely, whatever the rate */
export function predict(facts: MeshFacts, calibration: Calibration, requestsPerSecond: number, isSaturated: boolean): Predicted {
  const scenario = scenarioOf(facts, requestsPerSecond);
  const { rarely: _rarely, ...busy } = calibration;
  const { with: cost } = planOf(scenario, isSaturated ? busy : calibration).now;
  const lookUps = 1 + scenario.services.length;
  const hops = cost.links.slice(1);
  return {
    requestsPerSecond,
    verificationMicros: (cost.verificationCores.value * 1e6) / requestsPerSecond,
    hitRatio: 1 - cost.signatureChecksPerRequest.value / lookUps,
    tokenBytesPerHop: hops.reduce((sum, { tokenBytes }) => sum + tokenBytes.value, 0) / hops.length,
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
    cache: { entries: 10_000, shared: false },
    // The mesh is what it is: nothing is put off, sized or moved to HTTP/2.
    remedies: { ...DEFAULT_SCENARIO.remedies, scaling: false, async: false, http2: false, analysis: false },
  };
}
