/** Asking a queue again until it answers. */
import { type Random, type Schedule, WatchwordError } from '@watchword/core';

const FIRST_MS = 100;
const MOST_MS = 5000;

/** How long to go on. */
export interface Patience {
  readonly isOver: () => boolean;
  /** What is worth asking again. Default: `queue_unavailable`. */
  readonly isTemporary?: (error: unknown) => boolean;
}

/** Asks until there is an answer. @returns undefined when it is over */
export async function patiently<Answer>(
  tools: { readonly schedule: Schedule; readonly random: Random; readonly onError: (error: unknown) => void },
  ask: () => Promise<Answer>,
  { isOver, isTemporary = isUnavailable }: Patience,
): Promise<Answer | undefined> {
  for (let delayMs = FIRST_MS; ; delayMs = Math.min(2 * delayMs, MOST_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!isTemporary(error)) throw error;
      tools.onError(error);
    }
    if (isOver()) return undefined;
    const jittered = delayMs * (0.5 + tools.random() / 2);
    await new Promise<void>((resolve) => void tools.schedule(resolve, jittered, true));
    if (isOver()) return undefined;
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof WatchwordError && error.code === 'queue_unavailable';
}
