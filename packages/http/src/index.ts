/** Public surface of @watchword/http. */
export { type ProtectOptions, type ProtectedHandler, anonymous, protect } from './protect.ts';
export { runAsCaller } from './run-as-caller.ts';
export { writeProblem } from './write-problem.ts';
export { assertRequirement } from './requirement.ts';
