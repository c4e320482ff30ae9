/** A process of the calibration, seen from both sides. It never outlives the command. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

/** What the command asks a process. */
interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument?: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

const STOP_LIMIT_MS = 3000;
const KEPT_OUTPUT = 2000;

/** The command's side. */
export class CalibrationChild {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ended: Promise<void>;
  #questions = 0;
  #output = '';

  /** @param script name of a module of this folder, without its ending */
  constructor(name: string, script: string) {
    this.name = name;
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#process = fork(new URL(`./${script}.${ending}`, import.meta.url), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // In a session of its own, as each service of a system is: Linux shares the cores out among sessions first (sched(7), autogroup).
      detached: true,
      // Options that this process was started with, a debugger's port say, are not meant for its children.
      execArgv: [],
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) stream.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.on('message', (answer: Answer) => this.#receive(answer));
    this.#ended = this.#watch();
  }

  /** Asks and waits. @throws Error when the process throws, or ends, with what it said last */
  async ask<Value>(name: string, argument?: unknown): Promise<Value> {
    const pending = Promise.withResolvers<unknown>();
    const question: Question = { id: (this.#questions += 1), name, argument };
    this.#pending.set(question.id, pending);
    if (this.#process.connected) this.#process.send(question, (error) => error && pending.reject(error));
    else pending.reject(this.#gone());
    return (await pending.promise) as Value;
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  async #watch(): Promise<void> {
    // Not `close`: it does not come after `disconnect`.
    await once(this.#process, 'exit').catch((error: unknown) => this.#keep(String(error)));
    for (const { reject } of this.#pending.values()) reject(this.#gone());
    this.#pending.clear();
  }

  #gone(): Error {
    return new Error(`${this.name} of the calibration has ended. ${this.#output.trim()}`);
  }

  #receive({ id, value, error }: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(value);
    else pending?.reject(new Error(`${this.name} of the calibration: ${error}`));
  }

  #keep(chunk: Buffer | string): void {
    this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT);
  }
}

/** The process's side: answers questions by their names until the command disconnects. */
export function answer(answers: Readonly<Record<string, (argument: never) => unknown>>): void {
  // An orphan would keep its port, and a core busy.
  process.on('disconnect', () => process.exit(0));
  process.on('message', (question: Question) => void reply(question, answers));
}

async function reply({ id, name, argument }: Question, answers: Parameters<typeof answer>[0]): Promise<void> {
  const tell = (message: Answer): void => void process.send?.(message, undefined, undefined, () => {});
  try {
    tell({ id, value: await answers[name]!(argument as never) });
  } catch (error) {
    tell({ id, error: error instanceof Error ? error.message : String(error) });
  }
}
