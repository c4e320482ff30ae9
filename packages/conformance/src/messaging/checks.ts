/** What every carrier of messages must do. Refusals first. */
import type { Check } from '../contract.ts';
import { DELIVERY } from './delivery.ts';
import { REFUSALS } from './refusals.ts';
import { SENDING } from './sending.ts';
import type { MessagingWorld } from './world.ts';

/** Everything, as data. */
export const MESSAGING_CHECKS: readonly Check<MessagingWorld>[] = [...REFUSALS, ...SENDING, ...DELIVERY];
