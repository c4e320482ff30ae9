/** Who uses the connections of an upstream, and who waits for one: bounded in number and in time (F10). */
import { WatchwordError } from '@watchword/core';

/** A request on its way to the upstream. */
export interface Guest {
  /** A connection is free. Called once, at once or later. */
  start(): void;
  /** There is none, and there will be none in time. */
  refuse(error: WatchwordError): void;
}

/** How many are let in, and how many may wait. */
export interface WaitingRoomOptions {
  /** Requests at a time. May change; say so with `refresh`. */
  readonly places: number;
  readonly maxWaiting: number;
  /** Longest wait. */
  readonly timeoutMs: number;
}

/**
 * The queue in front of one upstream, in order of arrival. The pool's own queue has no bound, no time limit, and keeps requests
 * whose clients have long left.
 */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #waiting = new Map<Guest, NodeJS.Timeout>();
  #taken = 0;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
  }

  /** Lets a guest in, makes it wait, or refuses it. Who was not refused leaves exactly once. */
  enter(guest: Guest): void {
    if (this.#taken < this.#options.places) {
      this.#taken += 1;
      guest.start();
    } else if (this.#waiting.size < this.#options.maxWaiting) {
      this.#waiting.set(guest, setTimeout(this.#giveUp, this.#options.timeoutMs, guest));
    } else guest.refuse(new WatchwordError('overloaded', 'Too many requests wait for a connection to the upstream'));
  }

  /** The guest is done, or waits no longer. The next one takes its place. */
  leave(guest: Guest): void {
    if (this.#remove(guest)) return;
    this.#taken -= 1;
    this.refresh();
    if (this.#taken === 0) this.#onEmpty?.();
  }

  /** There may be more places than before. */
  refresh(): void {
    while (this.#waiting.size > 0 && this.#taken < this.#options.places) {
      const [next] = this.#waiting.keys();
      this.#remove(next!);
      this.#taken += 1;
      // Not inside the callbacks of the one that leaves: its connection is about to be free.
      queueMicrotask(() => next!.start());
    }
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when nobody is in it any more. */
  async empty(): Promise<void> {
    if (this.#taken > 0 || this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #remove(guest: Guest): boolean {
    clearTimeout(this.#waiting.get(guest));
    return this.#waiting.delete(guest);
  }

  readonly #giveUp = (guest: Guest): void => {
    this.#remove(guest);
    guest.refuse(new WatchwordError('overloaded', 'No connection to the upstream got free in time'));
  };
}
