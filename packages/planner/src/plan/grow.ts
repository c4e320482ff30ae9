/** What to do first when traffic grows: more instances and caching before cleverness. */
import { figure } from '../basis.ts';
import type { Calibration } from '../calibration.ts';
import { REFERENCE_CALIBRATION } from '../reference-calibration.ts';
import type { Remedy, Scenario } from '../scenario.ts';
import { adviceOf, switched } from './advice.ts';
import { systemCost } from './system.ts';
import type { GrowthAdvice, GrowthStep, SystemCost } from './types.ts';

/** A change of configuration or of a number; no service has to be written anew for them. */
const FIRST: readonly Remedy[] = ['scaling', 'caching'];

/** Works out the steps. @throws RangeError when the factor is not above 1 */
export function grow(scenario: Scenario, factor: number, calibration: Calibration = REFERENCE_CALIBRATION): GrowthAdvice {
  if (!(factor > 1 && factor <= 1e6)) throw new RangeError('factor: must be above 1, and at most 1000000');
  const users = scenario.users * factor;
  const grown = { ...scenario, users };
  const asIs = systemCost(switched(grown, 'scaling', false), calibration, users);
  const steps: GrowthStep[] = [];
  let current = switched(grown, 'scaling', false);
  for (const remedy of orderOf(grown, calibration)) {
    const before = systemCost(current, calibration, users);
    const changed = remedy === 'caching' ? cachingFor(current, before) : switched(current, remedy, true);
    if (changed === current || (scenario.remedies[remedy] && !FIRST.includes(remedy))) continue;
    const after = systemCost(changed, calibration, users);
    // Cleverness that costs more than it saves is no step.
    if (remedy !== 'scaling' && after.monthlyCost.value >= before.monthlyCost.value) continue;
    current = changed;
    steps.push({
      remedy,
      action: actionOf(remedy, before, after, scenario, changed),
      reason: reasonOf(remedy, before, after),
      monthlyCostAfter: figure(after.monthlyCost.value, 'extrapolated'),
    });
  }
  const breaks = asIs.bottlenecks.find(
    ({ utilization, resource }) => utilization.value >= 1 && (resource === 'cpu' || resource === 'link'),
  );
  return { factor, users, breaks, steps };
}

/** The cache switched on and, where live tokens do not fit, twice as large as they need. */
function cachingFor(scenario: Scenario, { bottlenecks }: SystemCost): Scenario {
  if (!scenario.remedies.caching) return switched(scenario, 'caching', true);
  const fullest = Math.max(
    0,
    ...bottlenecks.filter(({ resource }) => resource === 'cache').map(({ utilization }) => utilization.value),
  );
  if (fullest <= 1) return scenario;
  return { ...scenario, cache: { ...scenario.cache, entries: Math.ceil((2 * fullest * scenario.cache.entries) / 1000) * 1000 } };
}

function cachingAction({ cache, remedies }: Scenario, { cache: larger }: Scenario): string {
  if (!remedies.caching) return ACTIONS.caching;
  return `let each cache remember ${count(larger.entries)} tokens instead of ${count(cache.entries)}`;
}

function orderOf(scenario: Scenario, calibration: Calibration): readonly Remedy[] {
  const bySaving = adviceOf(scenario, calibration).map(({ remedy }) => remedy);
  return [...FIRST, ...bySaving.filter((remedy) => !FIRST.includes(remedy))];
}

const ACTIONS: Readonly<Record<Exclude<Remedy, 'scaling'>, string>> = {
  caching: 'switch the verification cache on',
  offloading: 'verify at the gateway, and pass Txn-Tokens on',
  lightweight: 'carry only the claims that services read',
  http2: 'speak HTTP/2 or gRPC inside, with header tables for all callers',
  async: 'verify what nobody waits for after the peak',
  analysis: 'fill servers as far as p99 allows',
};

function actionOf(remedy: Remedy, before: SystemCost, after: SystemCost, was: Scenario, is: Scenario): string {
  if (remedy === 'scaling') return `run ${count(after.instances.value)} instances instead of ${count(before.instances.value)}`;
  return remedy === 'caching' ? cachingAction(was, is) : ACTIONS[remedy];
}

function reasonOf(remedy: Remedy, before: SystemCost, after: SystemCost): string {
  const money = `${count(before.monthlyCost.value)} a month become ${count(after.monthlyCost.value)}`;
  if (remedy !== 'scaling') return money;
  const full = before.bottlenecks.find(({ resource }) => resource === 'cpu');
  if (full === undefined || full.utilization.value < 1) return 'what there is is enough: instances that are too many can go';
  return `${full.place} is at ${count(full.utilization.value * 100)} % of its processors; nothing else matters before it keeps up`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
