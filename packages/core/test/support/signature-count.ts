/** Counts signature checks, as benchmarks do. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { SIGNATURE_CHECK_CHANNEL } from '../../src/jws/signature.ts';

/** How many signatures are checked while `work` runs. */
export async function signatureChecks(work: () => unknown): Promise<number> {
  let count = 0;
  const listener = (): void => {
    count += 1;
  };
  subscribe(SIGNATURE_CHECK_CHANNEL, listener);
  try {
    await work();
  } finally {
    unsubscribe(SIGNATURE_CHECK_CHANNEL, listener);
  }
  return count;
}
