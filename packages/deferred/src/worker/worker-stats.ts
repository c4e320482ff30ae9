/** What a worker has done so far. */

const COUNTERS = ['claimed', 'done', 'refused', 'dead', 'retried', 'waited', 'lost', 'givenBack', 'errors'] as const;

/** The name of a counter. */
export type WorkerCounter = (typeof COUNTERS)[number];

/** Counters since the start, and `held`: entries in its hands now. */
export type WorkerStats = Readonly<Record<WorkerCounter | 'held', number>>;

export class WorkerCounts {
  readonly #counts = new Map<WorkerCounter, number>(COUNTERS.map((name) => [name, 0]));

  add(name: WorkerCounter, count: number): void {
    this.#counts.set(name, this.#counts.get(name)! + count);
  }

  read(held: number): WorkerStats {
    return { ...(Object.fromEntries(this.#counts) as Record<WorkerCounter, number>), held };
  }
}
