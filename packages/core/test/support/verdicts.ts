/** Verdicts as words, so that a test can compare whole tables of them. */
import { WatchwordError } from '../../src/errors.ts';
import type { Verifier } from '../../src/verify/verifier.ts';

/** 'accepted', or the error code; anything thrown that is not ours shows its own name and so fails the comparison. */
export async function verdict(verifier: Verifier, token: unknown): Promise<string> {
  try {
    await verifier.verify(token as string);
    return 'accepted';
  } catch (error) {
    return codeOf(error);
  }
}

/** The same for a call: 'accepted', or the code of what it throws. */
export function outcome(call: () => unknown): string {
  try {
    call();
    return 'accepted';
  } catch (error) {
    return codeOf(error);
  }
}

/** Error code, or the name of a foreign error. */
export function codeOf(error: unknown): string {
  return error instanceof WatchwordError ? error.code : `threw ${String(error)}`;
}

/** How often each verdict was given. */
export function tally(verdicts: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of verdicts) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
