/** Public surface of @watchword/planner. */
export { type AmortizedCosts, amortizedMicros } from './amortized.ts';
export { type Bandwidth, bandwidth } from './bandwidth.ts';
export { type Basis, type Figure, BASIS_MARKS, figure, weakest } from './basis.ts';
export {
  type AlgorithmCosts,
  type Calibration,
  type FieldBytes,
  type HopCosts,
  type Protocol,
  type RareCosts,
  type RarePoint,
  type RareStep,
  type Spread,
  type TokenAlgorithm,
  CALIBRATION_FORMAT,
  PROTOCOLS,
  RARE_STEPS,
  TOKEN_ALGORITHMS,
  hitMicros,
  parseCalibration,
} from './calibration.ts';
export { atPace } from './pace.ts';
export { grow } from './plan/grow.ts';
export { type MetricsLook, observe, withObserved } from './observed.ts';
export { plan, withRemedies } from './plan/plan.ts';
export { type RuleCheck, RULES_OF_THUMB, checkRulesOfThumb } from './rules-of-thumb.ts';
export { type CacheSimulation, type SimulatedHits, simulateCache } from './simulation/simulate-cache.ts';
export { MOST_SIMULATED_USERS, simulateEdge } from './simulation/simulate-edge.ts';
export { type Eviction } from './simulation/sieve.ts';
export type {
  Bottleneck,
  GrowthAdvice,
  GrowthStep,
  LinkCost,
  Plan,
  PlanRow,
  RemedyAdvice,
  Resource,
  SystemCost,
} from './plan/types.ts';
export { parseScenario } from './parse-scenario.ts';
export {
  type Affinity,
  type Observed,
  type Remedy,
  type Scenario,
  type Service,
  AFFINITIES,
  DEFAULT_SCENARIO,
  REMEDIES,
} from './scenario.ts';
export { REFERENCE_CALIBRATION } from './reference-calibration.ts';
export { type ShapeIssue, ShapeError } from './shape.ts';
export {
  type GrowthCost,
  type GrowthRow,
  type MeasuredCosts,
  type UnitCosts,
  REQUESTS_PER_USER_PER_SECOND,
  USER_COUNTS,
  growthTable,
} from './growth.ts';
export { type ClaimBytes, type TokenAnatomy, TokenUnreadable, dissectToken } from './token/anatomy.ts';
export { type Advice, type ClaimUse, type MappingAdvice, type MintedWith, adviseMapping } from './token/essential-claims.ts';
