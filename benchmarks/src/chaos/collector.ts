/** Asks what became of receipts, as clients do, until each has come to an end. */
import type { Client } from './client.ts';
import type { Receipt } from './orders.ts';
import type { ClientLine, Journal } from './records.ts';

/** Questions at a time. */
const AT_ONCE = 32;
const PAUSE_MS = 200;

/** One who asks. */
export class Collector {
  ended = 0;
  readonly #client: Client;
  readonly #journal: Pick<Journal<ClientLine>, 'add'>;

  constructor(client: Client, journal: Pick<Journal<ClientLine>, 'add'>) {
    this.#client = client;
    this.#journal = journal;
  }

  /** Asks for all of them, again and again, until all have ended, or none has for `patienceMs`. */
  async collect(receipts: readonly Receipt[], patienceMs: number): Promise<void> {
    let waiting = unique(receipts);
    let progressAt = Date.now();
    while (waiting.length > 0) {
      const isLast = Date.now() - progressAt > patienceMs;
      const before = waiting.length;
      waiting = await this.#askAll(waiting, isLast);
      if (isLast) return;
      if (waiting.length < before) progressAt = Date.now();
      if (waiting.length > 0) await this.#client.pause(PAUSE_MS);
    }
  }

  /** @returns those that have not ended. What has not is written down only with `isLast` */
  async #askAll(receipts: readonly Receipt[], isLast: boolean): Promise<Receipt[]> {
    const open: Receipt[] = [];
    const queue = receipts.values();
    const ask = async (): Promise<void> => {
      for (const receipt of queue) if (!(await this.#ask(receipt, isLast))) open.push(receipt);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return open;
  }

  async #ask({ order, id, status: path }: Receipt, isLast: boolean): Promise<boolean> {
    const { status, body } = await this.#client.status(path);
    const { state: told, reason, upstreamStatus } = body as { state?: string; reason?: string; upstreamStatus?: number };
    const state = status === 404 ? 'unknown' : status === 200 ? (told ?? 'unreadable') : `answered ${status}`;
    // What was accepted is known from then on: that it is not, even once, is an end too.
    const isOver = state === 'done' || state === 'refused' || state === 'dead' || state === 'unknown';
    if (isOver || isLast) this.#journal.add({ at: Date.now(), what: 'end', order, id, state, reason, upstreamStatus });
    this.ended += Number(isOver);
    return isOver;
  }
}

// Of those that were sent more than once there is one receipt, told as often.
function unique(receipts: readonly Receipt[]): Receipt[] {
  return [...new Map(receipts.map((receipt) => [`${receipt.order} ${receipt.id}`, receipt])).values()];
}
