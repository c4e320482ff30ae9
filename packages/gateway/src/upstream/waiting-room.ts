/** Who uses the connections of an upstream, and who waits for one: bounded in number and in time (F10). */
import { WatchwordError } from '@watchword/core';

/** A request on its way to the upstream. */
export interface Guest {
  /** Whose body is still arriving; undefined: nobody's, there is none or all of it is here. Told of with `uploaded`. */
  readonly uploader?: string | undefined;
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
  /** Places that bodies still arriving from one client may hold. Default: half of them. */
  readonly uploadsPerClient?: number | undefined;
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
  /** Who waits, and who has a place, while a body arrives: slow ones of one client must not keep everybody out. */
  readonly #waitingUploads = new Uploads();
  readonly #uploads = new Uploads();
  #taken = 0;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
  }

  /** Lets a guest in, makes it wait, or refuses it. Who was not refused leaves exactly once. */
  enter(guest: Guest): void {
    if (this.#taken < this.#options.places && this.#hasShare(guest)) {
      this.#admit(guest);
      guest.start();
    } else if (this.#waiting.size < this.#options.maxWaiting && this.#mayWait(guest)) {
      this.#waitingUploads.add(guest);
      this.#waiting.set(guest, setTimeout(this.#giveUp, this.#options.timeoutMs, guest));
    } else guest.refuse(new WatchwordError('overloaded', 'Too many requests wait for a connection to the upstream'));
  }

  /** The guest is done, or waits no longer. The next one takes its place. */
  leave(guest: Guest): void {
    if (!this.#remove(guest)) {
      this.#uploads.delete(guest);
      this.#taken -= 1;
      this.refresh();
    }
    this.#tellEmpty();
  }

  /** There may be more places than before. */
  refresh(): void {
    for (const next of this.#waiting.keys()) {
      if (this.#taken >= this.#options.places) return;
      if (!this.#hasShare(next)) continue;
      this.#remove(next);
      this.#admit(next);
      // Not inside the callbacks of the one that leaves: its connection is about to be free.
      queueMicrotask(() => next.start());
    }
  }

  /** All of the guest's body is here. */
  uploaded(guest: Guest): void {
    if (this.#uploads.delete(guest)) this.refresh();
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when nobody is in it any more. */
  async empty(): Promise<void> {
    if (this.#taken > 0 || this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #tellEmpty(): void {
    if (this.#taken === 0 && this.#waiting.size === 0) this.#onEmpty?.();
  }

  #admit(guest: Guest): void {
    this.#taken += 1;
    this.#uploads.add(guest);
  }

  #hasShare({ uploader }: Guest): boolean {
    const { places, uploadsPerClient = Math.ceil(places / 2) } = this.#options;
    return uploader === undefined || this.#uploads.of(uploader) < uploadsPerClient;
  }

  #mayWait({ uploader }: Guest): boolean {
    return uploader === undefined || this.#waitingUploads.of(uploader) < Math.ceil(this.#options.maxWaiting / 2);
  }

  #remove(guest: Guest): boolean {
    this.#waitingUploads.delete(guest);
    clearTimeout(this.#waiting.get(guest));
    return this.#waiting.delete(guest);
  }

  readonly #giveUp = (guest: Guest): void => {
    this.#remove(guest);
    this.#tellEmpty();
    guest.refuse(new WatchwordError('overloaded', 'No connection to the upstream got free in time'));
  };
}

/** Bodies that are arriving, by client. */
class Uploads {
  readonly #clients = new Map<Guest, string>();
  readonly #counts = new Map<string, number>();

  of(client: string): number {
    return this.#counts.get(client) ?? 0;
  }

  add(guest: Guest): void {
    const { uploader } = guest;
    if (uploader === undefined) return;
    this.#clients.set(guest, uploader);
    this.#counts.set(uploader, this.of(uploader) + 1);
  }

  delete(guest: Guest): boolean {
    const client = this.#clients.get(guest);
    if (client === undefined) return false;
    this.#clients.delete(guest);
    const left = this.of(client) - 1;
    if (left === 0) this.#counts.delete(client);
    else this.#counts.set(client, left);
    return true;
  }
}
