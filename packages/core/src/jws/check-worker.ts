/** One thread that checks signatures, as the thread sees it which asks. */
import { Worker } from 'node:worker_threads';
import { type CheckedChunk, NO, YES, packChunk } from './check-chunk.ts';
import { type PreparedCheck, runCheckLater } from './signature.ts';

/** An answer to come. Spelled out, since older libraries of TypeScript do not know the type of `Promise.withResolvers`. */
export interface CheckAnswer {
  readonly promise: Promise<boolean>;
  resolve(isGood: boolean | PromiseLike<boolean>): void;
  reject(error: unknown): void;
}

/** A check that somebody waits for. */
export interface WaitingCheck {
  readonly check: PreparedCheck;
  readonly answer: CheckAnswer;
}

/** Checks under way, with one key. */
interface Chunk {
  readonly number: number;
  readonly checks: readonly WaitingCheck[];
}

/** What a thread tells. */
export interface CheckWorkerEvents {
  /** It has something to do no more, or is up. */
  onReady(): void;
  /** It has ended, whyever. */
  onEnd(): void;
}

// Beside the sources runs the source, beside the compiled files the compiled one.
const SOURCE = new URL(import.meta.url.endsWith('.ts') ? './check-thread.ts' : './check-thread.js', import.meta.url);

export class CheckWorker {
  readonly #worker: Worker;
  readonly #events: CheckWorkerEvents;
  readonly #chunks: Chunk[] = [];
  #number = 0;
  #load = 0;
  #state: 'starting' | 'up' | 'ended' = 'starting';

  constructor(events: CheckWorkerEvents, source: URL = SOURCE) {
    this.#events = events;
    this.#worker = new Worker(source, { name: 'watchword-checks' });
    this.#worker.unref();
    this.#worker.on('online', () => this.#noteUp());
    this.#worker.on('message', (message: CheckedChunk | null) => this.#finish(message));
    for (const sign of ['error', 'messageerror', 'exit'] as const) this.#worker.on(sign, () => this.#noteEnd());
  }

  /** Checks that it has. */
  get load(): number {
    return this.#load;
  }

  /** Chunks that it has; Infinity: it takes none. */
  get chunks(): number {
    return this.#state === 'up' ? this.#chunks.length : Infinity;
  }

  get isStarting(): boolean {
    return this.#state === 'starting';
  }

  /** @param checks at least one, all with the same key */
  give(checks: readonly WaitingCheck[]): void {
    const chunk: Chunk = { number: (this.#number += 1), checks };
    try {
      const message = packChunk(
        chunk.number,
        checks.map(({ check }) => check),
      );
      this.#worker.postMessage(message, [message.bytes.buffer]);
    } catch {
      return checkElsewhere(checks);
    }
    // Somebody waits: until it answers, the process stays.
    if (this.#chunks.push(chunk) === 1) this.#worker.ref();
    this.#load += checks.length;
  }

  /** What it has is checked elsewhere. */
  async end(): Promise<void> {
    this.#noteEnd();
    await this.#worker.terminate();
  }

  #noteUp(): void {
    if (this.#state !== 'starting') return;
    this.#state = 'up';
    this.#events.onReady();
  }

  #finish(message: CheckedChunk | null): void {
    if (this.#state === 'ended') return;
    const chunk = this.#chunks[0];
    const answers = message?.answers;
    // Nobody's answer may be taken for somebody else's.
    const isAnswer = chunk !== undefined && message?.number === chunk.number && answers?.length === chunk.checks.length;
    if (!isAnswer) return this.#noteEnd();
    this.#chunks.shift();
    this.#load -= chunk.checks.length;
    if (this.#chunks.length === 0) this.#worker.unref();
    for (const [index, waiting] of chunk.checks.entries()) {
      if (answers![index] === YES) waiting.answer.resolve(true);
      else if (answers![index] === NO) waiting.answer.resolve(false);
      else checkElsewhere([waiting]);
    }
    this.#events.onReady();
  }

  #noteEnd(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    for (const { checks } of this.#chunks.splice(0)) checkElsewhere(checks);
    this.#load = 0;
    void this.#worker.terminate();
    this.#events.onEnd();
  }
}

/** In libuv's pool, whose threads don't end. */
export function checkElsewhere(checks: readonly WaitingCheck[]): void {
  for (const { check, answer } of checks) answer.resolve(runCheckLater(check));
}
