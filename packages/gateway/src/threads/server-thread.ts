/** The main thread's side of one thread that serves. */
import { Worker } from 'node:worker_threads';
import type { FromThread, ReportMessage, ThreadConfig, ThreadStart, ToThread } from './messages.ts';

/** Is told what a thread says and when it ends. */
export interface ThreadListener {
  /** Everything but what this class answers itself. */
  said(message: FromThread): void;
  /** It is gone. `reason` is undefined if it was told to. */
  ended(reason: string | undefined): void;
}

/** Longest wait for a report. */
const REPORT_MS = 2000;
/** Longest wait for what a configuration needs: keys and revocations are waited for, and some. */
const PREPARE_MS = 10_000;
const SOURCE = new URL(import.meta.url.endsWith('.ts') ? './thread-main.ts' : './thread-main.js', import.meta.url);

/** One running thread. */
export class ServerThread {
  /** Resolves with the port once it listens. @throws ThreadFailure (as a rejection) */
  readonly listening: Promise<number>;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
  /** Its latest report. */
  lastReport: ReportMessage | undefined;
  readonly #worker: Worker;
  readonly #reports = new Map<number, (report: ReportMessage | undefined) => void>();
  readonly #preparations = new Map<number, (failed: string | undefined) => void>();
  #requests = 0;
  #isClosing = false;

  constructor(start: ThreadStart, listener: ThreadListener) {
    this.#worker = new Worker(SOURCE, { workerData: start, name: `watchword-${start.thread}` });
    const listening = Promise.withResolvers<number>();
    this.listening = listening.promise;
    this.listening.catch(() => {});
    let reason = 'ended by itself';
    this.#worker.on('message', (message: FromThread) => {
      if (message.type === 'ready') listening.resolve(message.port);
      else if (message.type === 'failed') {
        listening.reject(new ThreadFailure(message.step, message.code));
        reason = message.code;
        // What it had opened by then would keep it, and nobody would start it again.
        void this.#worker.terminate();
      } else if (message.type === 'report') this.#takeReport(message);
      else if (message.type === 'prepared') this.#preparations.get(message.reload)?.(message.failed);
      else listener.said(message);
    });
    // The name of an error, not its message: that could quote anything (E12).
    this.#worker.on('error', (error: unknown) => (reason = nameOf(error)));
    this.gone = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        listening.reject(new ThreadFailure('start', reason));
        for (const answer of this.#reports.values()) answer(undefined);
        for (const answer of this.#preparations.values()) answer('it died');
        listener.ended(this.#isClosing ? undefined : reason);
        resolve();
      });
    });
  }

  send(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker of our own, not a window
    this.#worker.postMessage(message);
  }

  /** How it is doing; undefined: it does not say. */
  async report(): Promise<ReportMessage | undefined> {
    const request = (this.#requests += 1);
    const { promise, resolve } = Promise.withResolvers<ReportMessage | undefined>();
    const timer = setTimeout(resolve, REPORT_MS, undefined);
    this.#reports.set(request, resolve);
    this.send({ type: 'report', request });
    const report = await promise;
    clearTimeout(timer);
    this.#reports.delete(request);
    return report;
  }

  /** Builds what a configuration needs. Resolves with what went wrong; undefined: nothing. */
  async prepare(reload: number, next: ThreadConfig): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(resolve, PREPARE_MS, 'no answer');
    this.#preparations.set(reload, resolve);
    this.send({ type: 'prepare', reload, next });
    const failed = await promise;
    clearTimeout(timer);
    this.#preparations.delete(reload);
    return failed;
  }

  /** Lets running requests finish, then ends the thread; at the latest after this time. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.send({ type: 'close' });
    const timer = setTimeout(() => void this.#worker.terminate(), timeoutMs);
    await this.gone;
    clearTimeout(timer);
  }

  #takeReport(report: ReportMessage): void {
    this.lastReport = report;
    this.#reports.get(report.request)?.(report);
  }
}

/** Why a thread did not start. */
export class ThreadFailure extends Error {
  readonly step: 'listen' | 'start';
  /** Code or name of the error. */
  readonly code: string;

  constructor(step: 'listen' | 'start', code: string) {
    super(`The thread could not ${step}: ${code}`);
    this.step = step;
    this.code = code;
  }
}

function nameOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}
