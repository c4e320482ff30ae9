/** The parent's side of a process of the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, isAbsolute } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Core, nodeCommand } from './cores.ts';
import type { Question, Reply } from './worker.ts';

/** How to start a process. */
export interface ChildSpec {
  /** What people call it. */
  readonly name: string;
  /** Its script: absolute, or relative to `src`. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly core?: Core | readonly Core[] | undefined;
  /** Options of Node. */
  readonly nodeOptions?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

const KEPT_OUTPUT = 4000;
const STOP_LIMIT_MS = 3000;
const START_LIMIT_MS = 20_000;

/** One process. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #output = '';
  #questions = 0;

  private constructor({ name, script, args: scriptArgs = [], core, nodeOptions = [], env = {} }: ChildSpec) {
    this.name = name;
    const [command, ...args] = nodeCommand(core);
    this.#process = spawn(command, [...args, ...nodeOptions, fromSource(script), ...scriptArgs], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) stream.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.on('message', (reply: Reply) => this.#receive(reply));
    this.#ended = once(this.#process, 'close').then(
      () => this.#fail(new Error(`${name} ended early.\n${this.#output}`)),
      (error: Error) => this.#fail(error),
    );
  }

  /** Starts a process and waits until it answers questions. @throws Error with its last output when it ends instead */
  static async start(spec: ChildSpec): Promise<Child> {
    const child = new Child(spec);
    await child.#ready.promise;
    return child;
  }

  /** Asks and waits for the answer. @throws Error when the child throws, or ends */
  async ask<Answer>(name: string, argument?: unknown): Promise<Answer> {
    const pending = Promise.withResolvers<unknown>();
    const question: Question = { id: (this.#questions += 1), name, argument };
    this.#pending.set(question.id, pending);
    this.#process.send(question, (error) => {
      if (error) pending.reject(error);
    });
    return (await pending.promise) as Answer;
  }

  /** Waits until the process has written something. @throws Error when it ends instead, or has not after a while */
  async written(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + START_LIMIT_MS;
    while (Date.now() < deadline && this.#process.exitCode === null) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      await delay(20);
    }
    throw new Error(`${this.name} did not start.\n${this.#output}`);
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Ends the process as a crash does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #receive(reply: Reply): void {
    if (reply.kind === 'ready') {
      this.#ready.resolve();
      return;
    }
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.error === undefined) pending?.resolve(reply.value);
    else pending?.reject(new Error(`${this.name}: ${reply.error}`));
  }

  #fail(error: Error): void {
    this.#ready.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT);
  }
}

/** Runs `work` with processes, and ends them whatever happens. */
export async function withChildren<Result>(
  specs: readonly ChildSpec[],
  work: (children: readonly Child[]) => Promise<Result>,
): Promise<Result> {
  const starts = await Promise.allSettled(specs.map((spec) => Child.start(spec)));
  const children = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  try {
    const failure = starts.find((start) => start.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    return await work(children);
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

/** A path of this package, as Node's command line takes it. */
export function fromSource(path: string): string {
  return isAbsolute(path) ? path : join(import.meta.dirname, '..', path);
}
