/** A mesh under test: started as users start it, watched from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcesses, processesWith } from '../../../scripts/suite/processes.mjs';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');
const POLL_MS = 50;

/** Whether processes can be found by what their environment says. */
export const CAN_LIST_PROCESSES: boolean = process.platform === 'linux';

/** One run of the mesh. */
export class MeshProcess {
  /** Exit code, or the signal that ended the mesh. */
  readonly ended: Promise<number | string>;
  readonly #process: ChildProcess;
  // Every process of the mesh inherits it: shows which ones are left, whoever their parent is by then.
  readonly #mark: string = `MESH_TEST_RUN=${randomUUID()}`;
  // A mesh that is killed outright cannot remove its files.
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'mesh-test-'));
  #output = '';

  constructor(args: readonly string[]) {
    const [name, value] = this.#mark.split('=');
    this.#process = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [name!]: value, TMPDIR: this.#folder },
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    this.ended = once(this.#process, 'close').then(([code, signal]: unknown[]) =>
      typeof code === 'number' ? code : String(signal),
    );
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits until the output contains `text`. @throws Error when the mesh ends first */
  async says(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#process.exitCode !== null) throw new Error(`The mesh ended without saying "${text}":\n${this.#output}`);
      await sleep(POLL_MS);
    }
  }

  /** Process ids and command lines of all processes of this run that are there now. */
  processes(): { readonly pid: number; readonly command: string }[] {
    return processesWith(this.#mark);
  }

  /** Waits until no process of this run is left; gives those that are still there after `limitMs`. */
  async remaining(limitMs = 10_000): Promise<{ readonly pid: number; readonly command: string }[]> {
    const endMs = Date.now() + limitMs;
    while (this.processes().length > 0 && Date.now() < endMs) await sleep(POLL_MS);
    return this.processes();
  }

  /** For the end of a test: nothing stays behind, whatever happened. */
  async clear(): Promise<void> {
    this.#process.kill('SIGKILL');
    const left = CAN_LIST_PROCESSES ? await this.remaining(3_000) : [];
    endProcesses(left);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
