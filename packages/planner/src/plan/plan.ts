/** The answer to a scenario: the growth table, limits and advice. Pure: the same input gives the same plan, in a browser too. */
import type { Calibration } from '../calibration.ts';
import { USER_COUNTS } from '../growth.ts';
import { REFERENCE_CALIBRATION } from '../reference-calibration.ts';
import { REMEDIES, type Remedy, type Scenario } from '../scenario.ts';
import { adviceOf } from './advice.ts';
import { remarksOf } from './remarks.ts';
import { systemCost } from './system.ts';
import type { Plan, PlanRow } from './types.ts';

/** Plans. @param calibration unit costs; default: those of a common server */
export function plan(scenario: Scenario, calibration: Calibration = REFERENCE_CALIBRATION): Plan {
  const rowAt = (users: number): PlanRow => ({
    users,
    requestsPerSecond: users * scenario.requestsPerUserPerSecond,
    without: systemCost(withRemedies(scenario, []), calibration, users),
    with: systemCost(scenario, calibration, users),
  });
  const [now, rows, advice] = [rowAt(scenario.users), USER_COUNTS.map(rowAt), adviceOf(scenario, calibration)];
  const sizes = [...rows.filter(({ users }) => users !== now.users), now].toSorted((one, other) => one.users - other.users);
  return { scenario, now, rows, advice, remarks: remarksOf(scenario, calibration, sizes, advice) };
}

/** The same system with exactly these remedies. */
export function withRemedies(scenario: Scenario, on: readonly Remedy[]): Scenario {
  const remedies = Object.fromEntries(REMEDIES.map((remedy) => [remedy, on.includes(remedy)])) as Scenario['remedies'];
  return { ...scenario, remedies };
}
