/** A process that is killed where a test says, as `kill-point.ts` counts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { IS_LONG } from './campaign.ts';
import { SeededRandom } from './seeded-random.ts';

interface Message {
  readonly passed?: number;
  readonly armed?: true;
  readonly ready?: unknown;
  readonly said?: string;
}

export class KilledProcess {
  readonly #child: ChildProcess;
  /** What the program said, in order. */
  readonly said: string[] = [];
  readonly #messages: Message[] = [];
  readonly #ended: Promise<unknown>;

  private constructor(script: string, args: readonly string[]) {
    const preload = join(import.meta.dirname, 'kill-point.ts');
    this.#child = fork(script, [...args], { execArgv: ['--import', preload], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    // What it said last may come after its end.
    this.#ended = Promise.all([once(this.#child, 'close'), once(this.#child, 'disconnect')]);
    this.#child.on('message', (message: Message) => {
      if (message.said === undefined) this.#messages.push(message);
      else this.said.push(message.said);
    });
    // Whoever dies while it is spoken to needs not be spoken to.
    this.#child.on('error', () => {});
  }

  /** Starts a script and waits until it has sent `{ ready }`. @returns the process, and what it is ready with */
  static async start<Ready>(script: string, ...args: string[]): Promise<[KilledProcess, Ready]> {
    const process = new KilledProcess(script, args);
    const { ready } = await process.#next('ready');
    return [process, ready as Ready];
  }

  /** From now on it is killed at this point, counted from 1; 0: never. */
  async arm(killAt: number): Promise<void> {
    this.#child.send({ killAt }, () => {});
    await this.#next('armed');
  }

  /** How many points it has passed; undefined: it was killed. */
  async passed(): Promise<number | undefined> {
    this.#child.send({ count: true }, () => {});
    return (await this.#next('passed')).passed;
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  /** Ends it wherever it is. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** The next message with this member; empty when the process ends before. */
  async #next(name: keyof Message): Promise<Message> {
    let hasEnded = false;
    const ended = this.#ended.then(() => (hasEnded = true));
    for (;;) {
      const at = this.#messages.findIndex((message) => name in message);
      if (at >= 0) return this.#messages.splice(at, 1)[0]!;
      if (hasEnded) return {};
      await Promise.race([once(this.#child, 'message'), ended]);
    }
  }
}

/** Every point of so many in a long run, else `usual` of them, chosen anew in each run. */
export function pointsOf(passed: number, usual: number, seed: number): readonly number[] {
  if (IS_LONG) return Array.from({ length: passed }, (_, index) => index + 1);
  const random = new SeededRandom(seed);
  return Array.from({ length: usual }, (_, index) => 1 + Math.floor(((index + random.next()) * passed) / usual));
}
