/** An issuer in simulated time: its key set, its weather, and the timers of whoever follows it. No network, no waiting. */
import type { Fetch } from '../../src/keys/fetch-jwks.ts';
import { type RemoteKeys, type RemoteKeysOptions, createRemoteKeys } from '../../src/keys/remote-keys.ts';
import type { Schedule } from '../../src/revocation/schedule.ts';
import { ISSUER, NOW } from './tokens.ts';

/** Gives an answer, or fails, or takes until the signal. */
export type Weather = (signal: AbortSignal) => Response | Promise<Response>;

/** What an issuer can do instead of answering. */
export const OUTAGES: Readonly<Record<string, Weather>> = {
  'answers 500': () => new Response('{}', { status: 500 }),
  hangs: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  'sends garbage': () => new Response('\u0000{]'),
  'refuses the connection': () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
};

export class SimulatedIssuer {
  nowMs: number = NOW * 1000;
  /** What stands in the set. */
  published: readonly object[];
  /** In place of the set. */
  outage: Weather | undefined;
  /** When it was asked. */
  readonly moments: number[] = [];
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  #pending = 0;

  constructor(...published: readonly object[]) {
    this.published = published;
  }

  /** Keys that follow this issuer. The time limit is real time, so it is short. */
  keys(changes: Partial<RemoteKeysOptions> = {}): RemoteKeys {
    const { clock, schedule, fetch } = this;
    return createRemoteKeys({
      issuer: ISSUER,
      url: 'https://issuer.example/jwks',
      algorithms: ['ES256'],
      timeoutMs: 5,
      clock,
      schedule,
      fetch,
      ...changes,
    });
  }

  readonly clock = (): number => this.nowMs;

  readonly schedule: Schedule = (callback, delayMs) => {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  readonly fetch: Fetch = async (_, init) => {
    this.moments.push(this.nowMs);
    this.#pending += 1;
    try {
      return await (this.outage?.(init.signal!) ?? Response.json({ keys: this.published }));
    } finally {
      this.#pending -= 1;
    }
  };

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets time pass, timers firing on their way, and whatever they begin come to its end. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.nowMs + durationMs;
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.callback();
      await this.settle();
    }
    this.nowMs = endMs;
  }

  /** Until nothing is under way any more. */
  async settle(): Promise<void> {
    do {
      for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#pending > 0);
  }
}
