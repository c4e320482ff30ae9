/** How many instances it takes, and how full they are. */
import type { Calibration } from '../calibration.ts';
import { highestRate } from '../model/queueing.ts';
import type { Scenario } from '../scenario.ts';
import { type Instances, type NodeDemand, demandsOf, meanOf, nodesOf } from './demand.ts';

/** A node with the servers it gets. */
export interface SizedNode extends NodeDemand {
  readonly instances: number;
  /** Cores that are busy at the peak; how many are asked for so that they are not too full. */
  readonly busyCores: number;
  readonly neededCores: number;
  /** At the peak, of the cores that there are. */
  readonly utilization: number;
}

/** Hits depend on instances, and instances on hits. */
const ROUNDS = 2;
const MOST_UTILIZATION = 0.9;

/** Sizes all nodes for a number of users. */
export function sizeNodes(scenario: Scenario, calibration: Calibration, users: number): readonly SizedNode[] {
  const requestsPerSecond = users * scenario.requestsPerUserPerSecond;
  let instances = presentInstances(scenario);
  let sized: readonly SizedNode[] = [];
  for (let round = 0; round < (scenario.remedies.scaling ? ROUNDS : 1); round += 1) {
    const demands = demandsOf(scenario, calibration, users, instances);
    sized = demands.map((demand) => sizeNode(scenario, demand, requestsPerSecond, instances.get(demand.name)!));
    instances = new Map(sized.map((node) => [node.name, node.instances]));
  }
  return sized;
}

/** How far the mean is exceeded at the peak by what cannot be put off, and by token work of which a part can. */
export function peaksOf({ remedies, async }: Scenario): { readonly other: number; readonly tokens: number } {
  const { peakFactor, share } = async;
  return { other: peakFactor, tokens: remedies.async ? share + (1 - share) * peakFactor : peakFactor };
}

function presentInstances({ services, gateway, ...scenario }: Scenario): Instances {
  const all = nodesOf({ services, gateway, ...scenario });
  return new Map(all.map(({ name, service }) => [name, service?.instances ?? gateway.instances]));
}

function sizeNode(scenario: Scenario, demand: NodeDemand, requestsPerSecond: number, present: number): SizedNode {
  const peaks = peaksOf(scenario);
  const { visits, otherMicros, tokenWork, threads } = demand;
  const rate = requestsPerSecond * visits;
  const busyCores = (rate * (otherMicros * peaks.other + meanOf(tokenWork) * peaks.tokens)) / 1e6;
  const neededCores = busyCores / allowedUtilization(scenario, demand);
  const wanted = Math.max(1, Math.ceil(neededCores / threads));
  const instances = scenario.remedies.scaling ? Math.max(wanted, minimumOf(scenario, demand.name, present)) : present;
  return { ...demand, instances, busyCores, neededCores, utilization: busyCores / (instances * threads) };
}

// More than are needed stay, unless somebody has computed that they are not.
function minimumOf({ remedies, services, gateway }: Scenario, name: string, present: number): number {
  if (remedies.analysis) return 1;
  const own = services.find((service) => service.name === name)?.instances ?? gateway.instances;
  return Math.min(own, present);
}

/** As full as `limits.utilization`; after an analysis, as full as p99 allows, each node having its part of the time. */
function allowedUtilization(scenario: Scenario, { otherMicros, tokenWork, visits }: NodeDemand): number {
  const { limits, remedies } = scenario;
  if (!remedies.analysis) return limits.utilization;
  const total = nodesOf(scenario).reduce((sum, node) => sum + node.visits, 0);
  const service = tokenWork.map(({ share, micros }) => ({ share, micros: micros + otherMicros }));
  const budgetMicros = (limits.p99Ms * 1000 * Math.max(1, visits)) / total / Math.max(1, visits);
  const rate = highestRate({ servers: 1, service }, 0.99, budgetMicros);
  const utilization = (rate * meanOf(service)) / 1e6;
  return Math.min(MOST_UTILIZATION, Math.max(limits.utilization, utilization));
}
