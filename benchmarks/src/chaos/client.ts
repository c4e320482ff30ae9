/** One client of all doors: sends, asks what became of it, takes tokens back; goes to another door when one does not answer. */
import { Agent, request } from 'undici';
import type { Address } from './stage.ts';

/** An answer; status 0: none was heard, though it may have been taken in. */
export interface Heard {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number;
}

const UNHEARD: Heard = { status: 0, body: {}, retryAfterMs: 0 };
const TIMEOUT_MS = 20_000;
const PAUSE_MS = 50;

/** Talks to the doors. */
export class Client {
  readonly #doors: readonly Address[];
  readonly #agent: Agent;
  /** No request begins after it: a run ends, whatever happens. */
  readonly #deadline: number;
  #turn = 0;

  constructor(doors: readonly Address[], localAddress: string, deadline: number) {
    this.#doors = doors;
    this.#agent = new Agent({ connections: 64, keepAliveTimeout: 30_000, connect: { localAddress } });
    this.#deadline = deadline;
  }

  /** Posts once. A door that cannot be connected to has not heard it: the next one is asked. */
  async post(path: string, headers: Readonly<Record<string, string>>, body: string): Promise<Heard> {
    return this.#ask((door) => `http://127.0.0.1:${door.port}${path}`, { method: 'POST', headers, body });
  }

  async status(path: string): Promise<Heard> {
    return this.#ask((door) => `http://127.0.0.1:${door.port}${path}`, { method: 'GET' });
  }

  /** Takes a token back; resolves when that is confirmed. @param revocation by the time of asking */
  async revoke(revocation: () => object): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    for (;;) {
      const asked = { method: 'POST' as const, headers, body: JSON.stringify(revocation()) };
      const { status } = await this.#ask((door) => `http://127.0.0.1:${door.controlPort}/revocations`, asked);
      if (status === 201) return;
      await this.pause(PAUSE_MS);
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #ask(
    urlOf: (door: Address) => string,
    options: { readonly method: 'GET' | 'POST'; readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
  ): Promise<Heard> {
    for (;;) {
      if (Date.now() > this.#deadline) throw new Error('The time of the run is up');
      const door = this.#doors[(this.#turn += 1) % this.#doors.length]!;
      try {
        const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
        const answer = await request(urlOf(door), { ...options, ...timeouts, dispatcher: this.#agent });
        const text = await answer.body.text();
        const retryAfter = answer.headers['retry-after'];
        return { status: answer.statusCode, body: parse(text), retryAfterMs: Number(retryAfter ?? 0) * 1000 };
      } catch (error) {
        if (!isNeverSent(error)) return UNHEARD;
        await this.pause(PAUSE_MS);
      }
    }
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function isNeverSent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
