/** Public surface of @watchword/deferred. */
export type {
  Acceptance,
  Claim,
  ClaimOptions,
  DeadLetter,
  EntryStatus,
  NewEntry,
  Outcome,
  Queue,
  QueueStats,
  Release,
} from './queue.ts';
export {
  ENTRY_OVERHEAD,
  type Held,
  type QueueLimits,
  type Room,
  canEverFit,
  fullScope,
  readLimits,
  retryAfterMs,
  roomOf,
} from './shares.ts';
export { type ClaimWait, ClaimWaits } from './claim-waits.ts';
export { assertCount, assertDelay, assertEntry, assertOutcome, assertTime } from './entry-rules.ts';
export { type SqliteQueueOptions, createSqliteQueue } from './sqlite-queue.ts';
export { type DeferredRequest, type EntryFacts, type Receipts, createReceipts } from './receipt.ts';
export { type Job, type JobResult, type Worker, type WorkerOptions, type WorkerQueue, createWorker } from './worker.ts';
export type { WorkerCounter, WorkerStats } from './worker/worker-stats.ts';
