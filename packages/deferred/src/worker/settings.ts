/** The options of a worker, checked and filled in. */
import type { WorkerOptions } from '../worker.ts';

export type WorkerSettings<Request> = Required<Omit<WorkerOptions<Request>, 'backoff'>> & {
  readonly firstMs: number;
  readonly mostMs: number;
};
