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
/** Batches until a suspect that was given back should have come again: its client takes its turn behind all others. */
const CAREFUL_BATCHES = 64;

export class WorkerEngine<Request> implements Worker {
  readonly #settings: WorkerSettings<Request>;
  readonly #counts = new WorkerCounts();
  readonly #holdings: Holdings;
  readonly #batches: Batches<Request>;
  /** So many batches more are begun only while nothing else runs: a suspect may be among them, and finds the worker ready for it. */
  #carefulBatches = 0;
  /** Entries to claim next time. */
  #most: number;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #claiming: Promise<unknown> = Promise.resolve();

  constructor(settings: WorkerSettings<Request>) {
    this.#settings = settings;
    this.#most = settings.batch;
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
      const room = this.#room();
      if (room <= 0) {
        await this.#batches.changed();
      } else {
        const claiming = this.#claim(Math.min(this.#most, room));
        this.#claiming = claiming;
        await this.#begin(await claiming);
      }
    }
  }

  // By entries: of a batch that is done but for a slow one, the places of the others are free.
  #room(): number {
    const { concurrency, batch } = this.#settings;
    if (this.#carefulBatches > 0) return this.#batches.count === 0 ? batch : 0;
    return concurrency * batch - this.#holdings.size;
  }

  /**
   * An entry on its last attempts is a suspect, unless the one before is known to have ended with a word: it may be what kills its
   * worker. So it runs alone, and takes nobody with it: what would only stand by is given back at once, so that it is not counted out.
   * While something else runs it is the suspect that goes back; from then on no batch begins beside another until it has come again,
   * or it would never find the worker alone.
   */
  async #begin(claims: readonly Claim[]): Promise<void> {
    const isSuspect = (claim: Claim): boolean => claim.attempt >= this.#settings.maxAttempts && !this.#batches.hasSpoken(claim);
    const suspect = claims.find(isSuspect);
    // Where all of them are suspects, the next one is likely to be one, too: to claim many only to give them back is work for nothing.
    this.#most = claims.length > 0 && claims.every(isSuspect) ? 1 : this.#settings.batch;
    if (suspect === undefined) {
      // With nothing left to claim somebody else has it.
      this.#carefulBatches = claims.length === 0 ? 0 : Math.max(0, this.#carefulBatches - 1);
      return this.#work(claims);
    }
    const isAlone = this.#batches.count === 0;
    const isKept = (claim: Claim): boolean => (isAlone ? claim === suspect : !isSuspect(claim));
    this.#carefulBatches = isAlone ? Math.max(1, this.#carefulBatches) : CAREFUL_BATCHES;
    await this.#holdings.giveBack(claims.filter((claim) => !isKept(claim)));
    this.#work(claims.filter(isKept));
  }

  #work(claims: readonly Claim[]): void {
    if (claims.length > 0) void this.#batches.work(claims.filter((claim) => this.#holdings.has(claim)));
  }

  async #claim(most: number): Promise<readonly Claim[]> {
    const { queue, name, leaseMs } = this.#settings;
    const claims = await patiently(
      this.#settings,
      () => queue.claim(name, most, { leaseMs, waitMs: CLAIM_WAIT_MS, signal: this.#stopping.signal }),
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
