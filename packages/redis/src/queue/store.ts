/** Runs the scripts of a queue on a server that was looked at first, each in bounded time. */
import { type Clock, WatchwordError, readClock } from '@watchword/core';
import type { QueueLimits } from '@watchword/deferred';
import { insistOnCopies } from './durability.ts';
import { type Argument, bytesOf, evaluate } from './evaluate.ts';
import { Link, type LinkSettings } from './link.ts';
import type { QueueScript } from './prelude.ts';
import { Window } from './window.ts';

/** What a store needs to know. */
export interface StoreSettings extends LinkSettings {
  readonly outcomesKeptMs: number;
  readonly limits: Pick<Required<QueueLimits>, 'outcomes' | 'unverifiedOutcomes'>;
  /** How many replicas must have a change before it counts as done. */
  readonly replicas: number;
  readonly clock: Clock;
}

/** How a script is run. */
export interface RunOptions {
  /** It changes nothing. */
  readonly isRead?: boolean;
  /** The moment that the script is told, in Unix milliseconds. Default: now. */
  readonly nowMs?: number;
  /** Is told when it is sent: from then on nobody knows whether it was done, until the answer comes. */
  readonly onSend?: () => void;
}

/** Answers of the server after which the connection is as good as before. */
const HARMLESS = /^(?:OOM|BUSY|LOADING|NOREPLICAS|MISCONF) /;

export class QueueStore {
  readonly #settings: StoreSettings;
  readonly #key: string;
  readonly #window = new Window();
  #link: Link | undefined;
  /** Shared by everybody who asks meanwhile. */
  #opening: Promise<Link> | undefined;
  #isClosed = false;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.#key = `{${settings.prefix}}`;
  }

  /** Whether more waits than should. */
  get isBehind(): boolean {
    return this.#window.isBehind;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The time by the injected clock. @throws WatchwordError `queue_unavailable` for a clock that gives none */
  now(): number {
    try {
      return readClock(this.#settings.clock);
    } catch (cause) {
      throw new WatchwordError('queue_unavailable', 'The clock gives no time', { cause });
    }
  }

  /** Connects, and looks at the server. @throws WatchwordError `queue_unavailable` */
  async ready(): Promise<void> {
    await this.#guarded(0, () => this.#connect());
  }

  /** @returns what the script gives, texts as Buffers. @throws WatchwordError `queue_unavailable` */
  async run(script: QueueScript, facts: readonly Argument[], options: RunOptions = {}): Promise<unknown> {
    return this.#guarded(bytesOf(facts), () => this.#run(script, facts, options));
  }

  /** What was asked before is answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#window.idle();
    this.#link?.close();
  }

  async #guarded<Answer>(bytes: number, work: () => Promise<Answer>): Promise<Answer> {
    if (this.#isClosed) throw new WatchwordError('queue_unavailable', 'The queue is closed');
    try {
      return await this.#window.run(bytes, work);
    } catch (cause) {
      const isTold = cause instanceof WatchwordError && cause.code === 'queue_unavailable';
      const error = isTold
        ? cause
        : new WatchwordError('queue_unavailable', `Redis cannot be asked (${reasonOf(cause)})`, { cause });
      if (this.#link?.isOpen !== true) this.#window.fail(error);
      throw error;
    }
  }

  async #run(script: QueueScript, facts: readonly Argument[], options: RunOptions): Promise<unknown> {
    const { outcomesKeptMs, limits, timeoutMs, replicas } = this.#settings;
    const kept = JSON.stringify([outcomesKeptMs, limits.outcomes, limits.unverifiedOutcomes]);
    const { isRead = false, nowMs: toldMs = this.now(), onSend } = options;
    const link = await this.#connect();
    const lastMomentMs = performance.now() + link.offsetMs + timeoutMs;
    onSend?.();
    const copiesMs = isRead || replicas === 0 ? 0 : timeoutMs;
    const answer = await link.ask(async (redis) => {
      const running = evaluate(redis, script, this.#key, [lastMomentMs, toldMs, kept, ...facts]);
      if (copiesMs === 0) return running;
      const value = await running;
      return value instanceof Error ? value : insistOnCopies(value, await redis.wait(replicas, copiesMs), replicas);
    }, copiesMs);
    if (!(answer instanceof Error)) return answer;
    // Out of memory and the like: others can go on. Anything else says that this is not the server that it was.
    if (!HARMLESS.test(answer.message)) link.close();
    throw answer;
  }

  async #connect(): Promise<Link> {
    if (this.#link?.isOpen) return this.#link;
    return (this.#opening ??= this.#open());
  }

  async #open(): Promise<Link> {
    try {
      return (this.#link = await Link.open(this.#settings));
    } finally {
      this.#opening = undefined;
    }
  }
}

// What a driver or a server says in words may hold an address or a name (E12); its code does not.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : (/^[A-Z]{2,}(?= )/.exec(error.message)?.[0] ?? 'unknown');
}
