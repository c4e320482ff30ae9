/** How the suite of queues comes by them, and what it puts in. */
import { createHash, randomBytes } from 'node:crypto';
import type { NewEntry, Queue, QueueLimits } from '../../src/index.ts';

/** What the suite chooses. */
export interface QueueChoices {
  readonly clock: () => number;
  readonly limits?: QueueLimits;
  readonly outcomesKeptMs?: number;
}

/** One store. */
export interface QueueHarness {
  /** A queue on the same store each time, as another process would open it; the same limits each time. */
  open(choices: QueueChoices): Queue | Promise<Queue>;
  /** How a real process opens it: a module with `openQueue(argument): Queue | Promise<Queue>`, by the machine's clock. */
  readonly process: { readonly module: string; readonly argument: string };
  /** Gives back everything. Opened queues have been closed. */
  destroy(): Promise<void>;
}

export const ISSUER = 'https://issuer.example';
/** When the clock of the suite begins. */
export const START_MS = 1_800_000_000_000;

/** An entry like no other. */
export function entryOf(part: Partial<NewEntry> = {}): NewEntry {
  const id = part.id ?? randomBytes(16).toString('base64url');
  return {
    id,
    acceptedAtMs: START_MS,
    runBeforeMs: START_MS + 86_400_000,
    route: 'orders',
    issuer: ISSUER,
    client: digestOf('client-1'),
    fingerprint: digestOf(id),
    payload: randomBytes(40),
    ...part,
  };
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
