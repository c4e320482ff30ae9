/** A worker at work: claims as long as there is room, lets suspects run alone, stops when it is told to. */
import type { Claim } from '../queue.ts';
import type { Worker } from '../worker.ts';
import { Batches } from './batches.ts';
import { Holdings } from './holdings.ts';
import { patiently } from './patience.ts';
import type { WorkerSettings } from './settings.ts';
import { WorkerCounts, type WorkerStats } from './worker-stats.ts';

/** How long one question for work waits. */
const CLAIM_WAIT_MS = 1000;

export class WorkerEngine<Request> implements Worker {
  readonly #settings: WorkerSettings<Request>;
  readonly #counts = new WorkerCounts();
  readonly #holdings: Holdings;
  readonly #batches: Batches<Request>;
  /** There are suspects: one entry at a time is claimed, and runs alone. */
  #isCautious = false;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #claiming: Promise<unknown> = Promise.resolve();

  constructor(settings: WorkerSettings<Request>) {
    this.#settings = settings;
    this.#holdings = new Holdings(settings, this.#counts);
    this.#batches = new Batches(settings, this.#holdings, this.#counts);
  }

  start(): void {
    this.#running = this.#run();
    this.#holdings.keep();
  }

  stats(): WorkerStats {
    return this.#counts.read(this.#holdings.size);
  }

  async stop({ graceMs = 10_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopping.abort();
    this.#batches.wake();
    const grace = Promise.withResolvers<void>();
    const cancel = this.#settings.schedule(grace.resolve, graceMs, true);
    await Promise.race([grace.promise, this.#running.then(() => this.#batches.idle())]);
    cancel();
    await this.#holdings.giveBack();
    await this.#claiming;
    this.#holdings.end();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.#batches.count >= (this.#isCautious ? 1 : this.#settings.concurrency)) {
        await this.#batches.changed();
      } else {
        const claiming = this.#claim();
        this.#claiming = claiming;
        await this.#begin(await claiming);
      }
    }
  }

  /**
   * An entry on its last attempts is a suspect: it may be what kills its worker. So it runs alone, and takes nobody with it. Those
   * that would only stand by are given back at once, so that they are not counted out when another one takes the worker with it.
   */
  async #begin(claims: readonly Claim[]): Promise<void> {
    const isSuspect = ({ attempt }: Claim): boolean => attempt >= this.#settings.maxAttempts;
    const suspects = claims.filter(isSuspect);
    if (suspects.length > 0 && (claims.length > 1 || this.#batches.count > 0)) {
      await this.#holdings.giveBack(suspects);
      this.#isCautious = true;
    } else {
      this.#isCautious = suspects.length > 0;
    }
    const rest = this.#isCautious && claims.length === 1 ? claims : claims.filter((claim) => !isSuspect(claim));
    if (rest.length > 0) void this.#batches.work(rest.filter((claim) => this.#holdings.has(claim)));
  }

  async #claim(): Promise<readonly Claim[]> {
    const { queue, name, batch, leaseMs } = this.#settings;
    const claims = await patiently(
      this.#settings,
      () => queue.claim(name, this.#isCautious ? 1 : batch, { leaseMs, waitMs: CLAIM_WAIT_MS, signal: this.#stopping.signal }),
      {
        isOver: () => this.#stopping.signal.aborted,
        isTemporary: () => true,
      },
    );
    if (claims === undefined) return [];
    this.#counts.add('claimed', claims.length);
    this.#holdings.take(claims);
    if (!this.#stopping.signal.aborted) return claims;
    await this.#holdings.giveBack(claims);
    return [];
  }
}
