/** Public surface of @watchword/bullmq. */
export { type BulkJob, type CarryingQueue, identityOptions, propagate } from './producer.ts';
export { type JobHandler, guardJobs } from './worker.ts';
