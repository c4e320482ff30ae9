/** Counts the decisions of one service; turned into metrics only when somebody asks. */

/** Name of a service in metrics and logs. */
export type ServiceName = 'ext_authz' | 'forward_auth';

/** What became of a question. */
export type Result = 'allowed' | 'denied' | 'failed' | 'abandoned';

/** The decisions of one service. */
export class ServiceTally {
  readonly service: ServiceName;
  /** Connections of addresses that are not trusted. */
  untrusted = 0;
  /** From question to answer, all together. */
  seconds = 0;
  readonly #results: Map<Result, number> = new Map();

  constructor(service: ServiceName) {
    this.service = service;
  }

  /** @param status as the gateway would answer it; 499: whoever asked has left */
  add(status: number, durationMs: number): void {
    const result = resultOf(status);
    this.#results.set(result, (this.#results.get(result) ?? 0) + 1);
    this.seconds += durationMs / 1000;
  }

  get results(): ReadonlyMap<Result, number> {
    return this.#results;
  }
}

function resultOf(status: number): Result {
  if (status === 499) return 'abandoned';
  if (status >= 500) return 'failed';
  return status < 300 ? 'allowed' : 'denied';
}
