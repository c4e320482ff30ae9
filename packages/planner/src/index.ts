/** Public surface of @watchword/planner. */
export { type AmortizedCosts, amortizedMicros } from './amortized.ts';
export { type Bandwidth, bandwidth } from './bandwidth.ts';
export {
  type Basis,
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
