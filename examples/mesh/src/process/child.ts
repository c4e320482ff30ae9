/** The parent's side of a mesh process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import type { FromChild, FromParent } from './worker.ts';

/** How to start a process of the mesh. */
export interface ChildSpec {
  /** What people call it, also in reports of its death. */
  readonly name: string;
  /** Path of its script: absolute, or relative to `src`. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Module that is loaded before the script, relative to `src`: for scripts that know nothing of the mesh. */
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 3_000;
const KEPT_OUTPUT = 4_000;

/** One process of the mesh. */
export class Child {
  readonly name: string;
  /** Settles when the process has ended, whatever the reason. */
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #details: Readonly<Record<string, unknown>> | undefined;
  #ready!: (details: Readonly<Record<string, unknown>>) => void;
  #failed!: (error: Error) => void;
  #output = '';
  #nextId = 0;
  readonly #started: Promise<Readonly<Record<string, unknown>>>;

  constructor(spec: ChildSpec) {
    this.name = spec.name;
    const preload = spec.preload === undefined ? [] : ['--import', fromSource(spec.preload)];
    this.#process = spawn(process.execPath, [...preload, fromSource(spec.script), ...(spec.args ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...spec.env },
      // A process group of its own: Ctrl-C reaches the parent alone, which then ends its children in order.
      detached: true,
    });
    this.#started = new Promise((resolve, reject) => {
      this.#ready = resolve;
      this.#failed = reject;
    });
    this.#started.catch(() => {});
    this.ended = this.#watch();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How the process ended and what it said last, for people. */
  get obituary(): string {
    const { exitCode, signalCode } = this.#process;
    const ending = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
    const output = this.#output.trim();
    return `${this.name} ended unexpectedly with ${ending}. ${output === '' ? 'It wrote nothing.' : `Its last output:\n${output}`}`;
  }

  /** What the process announced once it was ready. @throws Error when it ends or dawdles instead */
  async ready(): Promise<Readonly<Record<string, unknown>>> {
    const timer = setTimeout(
      () => this.#failed(new Error(`${this.name} is not ready after ${START_LIMIT_MS / 1000} s`)),
      START_LIMIT_MS,
    );
    return this.#started.finally(() => clearTimeout(timer));
  }

  /** The origin that the process announced. */
  get origin(): string {
    return String(this.#details?.['origin']);
  }

  /** Asks the process something and waits for the answer. */
  ask(question: string, argument?: unknown): Promise<unknown> {
    const message: FromParent = { id: (this.#nextId += 1), question, argument };
    return new Promise((resolve, reject) => {
      this.#pending.set(message.id, { resolve, reject });
      this.#process.send(message, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** Ends the process: politely first, then for good. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.ended;
    clearTimeout(timer);
  }

  async #watch(): Promise<void> {
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#process.on('message', (message: FromChild) => this.#receive(message));
    try {
      // 'close' comes after the last output; a process that could not be started has an 'error' instead.
      await once(this.#process, 'close');
    } catch (error) {
      this.#output += String(error);
    }
    const gone = new Error(this.obituary);
    this.#failed(gone);
    for (const { reject } of this.#pending.values()) reject(gone);
    this.#pending.clear();
  }

  #receive(message: FromChild): void {
    if (message.kind === 'ready') {
      this.#details = message.details;
      this.#ready(message.details);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error === undefined) pending?.resolve(message.value);
    else pending?.reject(new Error(`${this.name}: ${message.error}`));
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT);
  }

  #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined;
  }
}

function fromSource(path: string): string {
  return resolve(import.meta.dirname, '..', path);
}
