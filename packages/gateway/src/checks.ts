/** How one thread checks signatures: known to be bad, known to another thread, at once, or off the thread in a burst. */
import {
  type AdaptiveChecks,
  type KnownBadMemory,
  type SharedTable,
  createAdaptiveChecks,
  createKnownBadMemory,
  createSharedChecks,
  inlineChecks,
} from '@watchword/core';
import type { VerificationConfig } from './config/config.ts';

/** The checks, and the part of them that counts. */
export interface Checks {
  readonly checks: KnownBadMemory;
  /** undefined: switched off. */
  readonly adaptive: AdaptiveChecks | undefined;
}

/** Builds them; with `table` they are shared with other threads. */
export function createChecks({ adaptive, ...limits }: VerificationConfig, table: SharedTable | undefined): Checks {
  const own = adaptive ? createAdaptiveChecks(limits) : undefined;
  const checks = own ?? inlineChecks;
  // Junk that comes again costs neither a check nor a place in the queue (D8).
  return {
    checks: createKnownBadMemory({ checks: table === undefined ? checks : createSharedChecks(table, { checks }) }),
    adaptive: own,
  };
}
