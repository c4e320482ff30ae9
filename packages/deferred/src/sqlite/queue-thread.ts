/** Questions for the thread that owns a SQLite queue: what comes while one transaction is synced shares the next one. */
import { Worker } from 'node:worker_threads';
import { WatchwordError } from '@watchword/core';
import type { EngineSettings } from './context.ts';
import type { BatchAnswer, OperationName, Operations, Question } from './operations.ts';
import { pack, unpackAnswer } from './packing.ts';

interface Waiting {
  readonly question: Question;
  readonly bytes: number;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Limits of one transaction, so that nobody waits for it long. */
const MOST_QUESTIONS = 256;
const MOST_BYTES = 8 * 2 ** 20;
/** Limits of what waits for the next ones. */
const BEHIND_QUESTIONS = 20_000;
const BEHIND_BYTES = 64 * 2 ** 20;

// Beside the sources runs the source, beside the compiled files the compiled one.
const SOURCE = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

export class QueueThread {
  readonly #settings: EngineSettings;
  readonly #now: () => number;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #worker: Worker | undefined;
  #running: readonly Waiting[] | undefined;
  #spare: ArrayBuffer | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(settings: EngineSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Whether more waits than should. */
  get isBehind(): boolean {
    return this.#waiting.length >= BEHIND_QUESTIONS || this.#waitingBytes >= BEHIND_BYTES;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Asks. @throws WatchwordError `queue_unavailable` */
  ask<Name extends OperationName>(name: Name, ask: Operations[Name]['ask']): Promise<Operations[Name]['answer']> {
    if (this.isClosed) return Promise.reject(new WatchwordError('queue_unavailable', 'The queue is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<Operations[Name]['answer']>();
    const bytes = name === 'accept' ? (ask as Operations['accept']['ask']).payload.length : 0;
    this.#waiting.push({ question: { name, ask } as Question, bytes, resolve, reject });
    this.#waitingBytes += bytes;
    // Whatever is asked in one turn of the event loop goes together.
    if (this.#running === undefined && this.#waiting.length === 1) queueMicrotask(() => this.#next());
    return promise;
  }

  /** What was asked before is answered. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    if (this.#running !== undefined || this.#waiting.length > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      await promise;
    }
    await this.#end();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const batch = this.#takeBatch();
    if (batch.length === 0) {
      this.#worker?.unref();
      this.#idle?.();
      return;
    }
    this.#running = batch;
    try {
      const message = pack({ nowMs: this.#now(), questions: batch.map(({ question }) => question) }, this.#spare);
      const worker = (this.#worker ??= this.#start());
      worker.ref();
      worker.postMessage(message, [message.payloads.buffer]);
    } catch (error) {
      this.#finish({ failure: error instanceof Error ? error.message : 'unknown' });
    }
  }

  #takeBatch(): readonly Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const one of this.#waiting) {
      if (count === MOST_QUESTIONS || (count > 0 && bytes + one.bytes > MOST_BYTES)) break;
      count += 1;
      bytes += one.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  #start(): Worker {
    const worker = new Worker(SOURCE, { workerData: this.#settings, name: 'watchword-queue' });
    worker.on('message', (answer: BatchAnswer) => this.#finish(answer));
    const lost = (reason: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#finish({ failure: reason });
    };
    worker.on('error', (error) => lost(error instanceof Error ? error.message : 'unknown'));
    worker.on('exit', () => lost('the thread has ended'));
    return worker;
  }

  #finish(answer: BatchAnswer): void {
    const batch = this.#running;
    if (batch === undefined) return;
    this.#running = undefined;
    this.#spare = answer.spare;
    if ('answers' in answer) {
      for (const [index, { question, resolve }] of batch.entries()) {
        resolve(unpackAnswer(answer.answers[index], question) as never);
      }
    } else {
      // The text of SQLite's errors names tables and files, never what is in them.
      const error = new WatchwordError('queue_unavailable', undefined, { cause: new Error(answer.failure) });
      for (const { reject } of batch) reject(error);
    }
    this.#next();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.ref();
    worker.on('exit', () => resolve());
    worker.postMessage('close', []);
    await promise;
  }
}
