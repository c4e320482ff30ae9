/** Lets tracing and measuring see decisions from outside, at the cost of two flags while nobody looks. */
import { channel } from 'node:diagnostics_channel';
import type { Decide, Decision } from './decision.ts';

/** `diagnostics_channel` with one message before each decision (route, authenticate, authorize, exchange). */
export const DECISION_START_CHANNEL = 'watchword:decision:start';
/** `diagnostics_channel` with one message after each decision, also after a refusal. */
export const DECISION_END_CHANNEL = 'watchword:decision:end';

const start = channel(DECISION_START_CHANNEL);
const end = channel(DECISION_END_CHANNEL);

/** Publishes the start and the end of each decision. The messages are empty: nothing of a request reaches a subscriber (invariant 5). */
export function observed(decide: Decide): Decide {
  return (request) => (start.hasSubscribers ? publishing(decide, request) : decide(request));
}

function publishing(decide: Decide, request: Parameters<Decide>[0]): Decision | Promise<Decision> {
  start.publish({});
  let pending = false;
  try {
    const result = decide(request);
    if (!(result instanceof Promise)) return result;
    pending = true;
    return result.finally(() => end.publish({}));
  } finally {
    if (!pending) end.publish({});
  }
}
