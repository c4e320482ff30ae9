/** How one thread checks signatures: known to another thread, at once, or off the thread in a burst. */
import {
  type AdaptiveChecks,
  type SharedTable,
  type SignatureChecks,
  createAdaptiveChecks,
  createSharedChecks,
  inlineChecks,
} from '@watchword/core';
import type { VerificationConfig } from './config/config.ts';

/** The checks, and those of their parts that count. */
export interface Checks {
  readonly checks: SignatureChecks;
  /** undefined: switched off. */
  readonly adaptive: AdaptiveChecks | undefined;
}

/** Builds them; with `table` they are shared with other threads. */
export function createChecks({ adaptive, maxWaiting, maxWaitMs }: VerificationConfig, table: SharedTable | undefined): Checks {
  const own = adaptive ? createAdaptiveChecks({ maxWaiting, maxWaitMs }) : undefined;
  const checks = own ?? inlineChecks;
  return { checks: table === undefined ? checks : createSharedChecks(table, { checks }), adaptive: own };
}
