/** Public surface of @watchword/deferred. */
export type { Acceptance, Claim, DeadLetter, EntryStatus, NewEntry, Outcome, Queue, QueueStats } from './queue.ts';
