/** The threads that serve: starts them, starts them again when they die, and speaks to all of them. */
import type { Logger } from '../logger.ts';
import { writeRelayed } from './log-relay.ts';
import type { FromThread, MetricsSnapshot, ReportMessage, ThreadConfig, ThreadStart, ToThread } from './messages.ts';
import { addToLegacy } from './merge-metrics.ts';
import { ServerThread, ThreadFailure } from './server-thread.ts';

/** What the pool needs to know. */
export interface ThreadPoolOptions {
  readonly size: number;
  readonly logger: Logger;
  /** What a thread starts with. */
  readonly startOf: (thread: number, port: number) => ThreadStart;
  /** Is told what threads say about keys. */
  readonly said: (message: FromThread, reply: (message: ToThread) => void) => void;
}

/** Attempts to start a thread before the gateway gives up starting. */
const START_ATTEMPTS = 3;
/** Pauses before a thread that died is started again, while it keeps dying. */
const BACKOFF_MS = [100, 200, 400, 800, 1600, 3200, 6400, 10_000];
/** A thread that has run for this long is well again. */
const WELL_AFTER_MS = 30_000;

/** All threads of one gateway. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  /** By number, from 1; undefined: on its way back. */
  readonly #threads = new Map<number, ServerThread | undefined>();
  /** Those that were asked to prepare the latest configuration. */
  #prepared: ReadonlySet<ServerThread> = new Set();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  /** What threads that are gone have counted. */
  #left: Promise<MetricsSnapshot> = Promise.resolve([]);
  #port = 0;
  #isStarted = false;
  #isClosing = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  /** Starts all; the first one finds the port if it is 0. @throws ThreadFailure (as a rejection) */
  async start(port: number): Promise<number> {
    this.#port = port;
    this.#port = await this.#startNew(1);
    const others = Array.from({ length: this.#options.size - 1 }, (_, index) => this.#startNew(index + 2));
    // All of them, so that none is on its way up when the first failure is told.
    const failed = (await Promise.allSettled(others)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#isStarted = true;
    for (const [thread, running] of this.#threads) if (running === undefined) this.#restart(thread, 0);
    return this.#port;
  }

  broadcast(message: ToThread): void {
    for (const running of this.#threads.values()) running?.send(message);
  }

  /** Lets all threads build what a configuration needs. Resolves with what went wrong in one of them; undefined: nothing. */
  async prepare(reload: number, next: ThreadConfig): Promise<string | undefined> {
    const running = [...this.#threads.values()].filter((one) => one !== undefined);
    this.#prepared = new Set(running);
    const failures = await Promise.all(running.map((one) => one.prepare(reload, next)));
    return failures.find((failed) => failed !== undefined);
  }

  /** Puts it in force. Those that have come meanwhile began with the old one: they build and swap, or die and begin anew. */
  commit(reload: number, next: ThreadConfig): void {
    for (const running of this.#threads.values()) {
      if (running !== undefined && !this.#prepared.has(running)) running.send({ type: 'prepare', reload, next });
    }
    this.broadcast({ type: 'commit', reload });
  }

  /** Of each thread; undefined: it is not there, or does not answer. */
  reports(): Promise<(ReportMessage | undefined)[]> {
    return Promise.all([...this.#threads.values()].map(async (running) => running?.report()));
  }

  /** The numbers of all threads, those that are gone included. */
  async metrics(): Promise<MetricsSnapshot[]> {
    const running = [...this.#threads.values()].filter((one) => one !== undefined);
    const snapshots = await Promise.all(
      // Of one that is busy, the numbers that it gave before.
      running.map(async (one) => ((await one.report()) ?? one.lastReport)?.metrics),
    );
    return [...snapshots.filter((snapshot) => snapshot !== undefined), await this.#left];
  }

  /** Ends all threads, running requests first; at the latest after this time. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all([...this.#threads.values()].map((running) => running?.close(timeoutMs)));
  }

  async #startNew(thread: number): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#spawn(thread, 0).listening;
      } catch (error) {
        // A port that is taken stays so; a thread that died may have had bad luck.
        if (attempt === START_ATTEMPTS || (error instanceof ThreadFailure && error.step === 'listen')) throw error;
      }
    }
  }

  #spawn(thread: number, deaths: number): ServerThread {
    const { startOf, said, logger } = this.#options;
    const startedAtMs = performance.now();
    const running = new ServerThread(startOf(thread, this.#port), {
      said(message) {
        if (message.type === 'log') writeRelayed(logger, thread, message.lines, message.lost);
        else said(message, (answer) => running.send(answer));
      },
      ended: (reason) => {
        const last = running.lastReport?.metrics;
        if (last !== undefined) this.#left = this.#left.then((left) => addToLegacy(left, last));
        if (this.#threads.get(thread) === running) this.#threads.set(thread, undefined);
        if (reason === undefined || this.#isClosing) return;
        logger.error({ thread, reason }, 'a thread died');
        if (this.#isStarted) this.#restart(thread, performance.now() - startedAtMs >= WELL_AFTER_MS ? 0 : deaths);
      },
    });
    this.#threads.set(thread, running);
    return running;
  }

  #restart(thread: number, deaths: number): void {
    if (this.#isClosing) return;
    const respawn = (): void => {
      this.#spawn(thread, deaths + 1).listening.then(
        () => this.#options.logger.info({ thread }, 'a thread is back'),
        () => {},
      );
    };
    this.#timers.set(thread, setTimeout(respawn, BACKOFF_MS[Math.min(deaths, BACKOFF_MS.length - 1)]));
  }
}
