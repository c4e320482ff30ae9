/** Follows the stream on a connection of its own: snapshot, entries, heartbeat, reconnection. */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type LogPosition,
  type Random,
  type Revocation,
  type RevocationFollower,
  type RevocationListener,
  WatchwordError,
  decodeRevocation,
} from '@watchword/core';
import { Connection, type ConnectionSettings } from './connection.ts';
import { READ_HEAD } from './scripts.ts';

/** What a follower needs to know. */
export interface FollowerSettings extends ConnectionSettings {
  readonly keys: readonly [head: string, log: string, set: string];
  /** Longest time between two looks at the head. */
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

interface Head extends LogPosition {
  readonly link: string;
}

/** One message of the stream, as Redis gives it. */
type Message = [id: string, fields: string[]];

const PAGE = 1000;
const MIN_BACK_OFF_MS = 50;
/** Well below any bound on staleness: the server's return must not be missed for long. */
const MAX_BACK_OFF_MS = 1000;

/** Follows until it is closed. */
export class RedisFollower implements RevocationFollower {
  readonly #settings: FollowerSettings;
  readonly #listener: RevocationListener;
  readonly #leave: () => void;
  #connection: Connection | undefined;
  #wake: (() => void) | undefined;
  #cursor: Head | undefined;
  #freshAtMs = -Infinity;
  #isClosed = false;

  constructor(settings: FollowerSettings, listener: RevocationListener, leave: () => void) {
    this.#settings = settings;
    this.#listener = listener;
    this.#leave = leave;
    void this.#run();
  }

  get freshAtMs(): number {
    return this.#freshAtMs;
  }

  close(): void {
    this.#isClosed = true;
    this.#freshAtMs = -Infinity;
    this.#connection?.close();
    this.#wake?.();
    this.#leave();
  }

  async #run(): Promise<void> {
    let backOffMs = MIN_BACK_OFF_MS;
    while (!this.#isClosed) {
      const before = this.#freshAtMs;
      try {
        this.#connection = await Connection.open(this.#settings);
        await this.#followOn(this.#connection);
      } catch (error) {
        if (!this.#isClosed) this.#listener.failed(error);
      }
      this.#connection?.close();
      backOffMs = this.#freshAtMs === before ? Math.min(2 * backOffMs, MAX_BACK_OFF_MS) : MIN_BACK_OFF_MS;
      if (!this.#isClosed) await this.#pause(backOffMs * (0.5 + 0.5 * this.#settings.random()));
    }
  }

  async #pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#settings.schedule(resolve, delayMs);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  // Whatever was known when the head was asked for is known here once the cursor has come that far: fresh as of the question.
  async #followOn(connection: Connection): Promise<void> {
    while (!this.#isClosed) {
      const askedAtMs = this.#settings.clock();
      const head = await this.#readHead(connection);
      if (this.#isAt(head)) this.#setFresh(askedAtMs);
      const messages = this.#isBehindOrAt(head) ? await this.#readMessages(connection, this.#isAt(head)) : undefined;
      if (this.#isClosed) return;
      const isContinued = messages !== undefined && (messages.length > 0 || this.#isAt(head)) && this.#takeAll(messages);
      if (!isContinued) await this.#takeSnapshot(connection);
      else if (this.#cursor!.sequence >= head.sequence) this.#setFresh(askedAtMs);
    }
  }

  async #readHead(connection: Connection): Promise<Head> {
    const { keys } = this.#settings;
    const answer = await connection.ask((redis) => redis.eval(READ_HEAD, keys.length, ...keys, randomUUID()));
    const [epoch, sequence, link] = answer as [string, string, string];
    return { epoch, sequence: Number(sequence), link };
  }

  async #readMessages(connection: Connection, mayBlock: boolean): Promise<Message[]> {
    const [, log] = this.#settings.keys;
    const from = `${this.#cursor!.sequence}-0`;
    const { heartbeatMs } = this.#settings;
    const answer = mayBlock
      ? await connection.ask((redis) => redis.xread('COUNT', PAGE, 'BLOCK', heartbeatMs, 'STREAMS', log, from), heartbeatMs)
      : await connection.ask((redis) => redis.xread('COUNT', PAGE, 'STREAMS', log, from));
    return (answer?.[0]?.[1] ?? []) as Message[];
  }

  #isAt(head: Head): boolean {
    const cursor = this.#cursor;
    return cursor?.epoch === head.epoch && cursor.sequence === head.sequence && cursor.link === head.link;
  }

  // An equal sequence under another link is another history, and so is a shorter one.
  #isBehindOrAt(head: Head): boolean {
    return this.#isAt(head) || (this.#cursor?.epoch === head.epoch && this.#cursor.sequence < head.sequence);
  }

  // False at the first entry that doesn't follow on the one before.
  #takeAll(messages: readonly Message[]): boolean {
    for (const [id, fields] of messages) {
      const { r, p, l, t } = Object.fromEntries(pairsOf(fields));
      const position = { epoch: this.#cursor!.epoch, sequence: Number.parseInt(id, 10) };
      // A link is the name of one entry in one history: a gap shows as well as a fork.
      if (p !== this.#cursor!.link || r === undefined || l === undefined) return false;
      this.#listener.entry({ revocation: decodeRevocation(r), position, appendedAtMs: Number(t) });
      this.#cursor = { ...position, link: l };
    }
    return true;
  }

  async #takeSnapshot(connection: Connection): Promise<void> {
    const askedAtMs = this.#settings.clock();
    const head = await this.#readHead(connection);
    await this.#listener.snapshot(this.#pages(connection, head), { epoch: head.epoch, sequence: head.sequence });
    if (this.#isClosed) return;
    this.#cursor = head;
    this.#setFresh(askedAtMs);
  }

  // Members that stay in the set during the whole scan are surely found; those that come meanwhile follow in the stream.
  async *#pages(connection: Connection, head: Head): AsyncGenerator<readonly Revocation[], void> {
    let cursor = '0';
    do {
      const [next, page] = await connection.ask((redis) => redis.zscan(this.#settings.keys[2], cursor, 'COUNT', PAGE));
      if (this.#isClosed) return;
      yield [...pairsOf(page)].map(([member]) => decodeRevocation(member));
      cursor = next;
    } while (cursor !== '0');
    // Had the history been lost during the scan, what came before it might be missing.
    const { epoch } = await this.#readHead(connection);
    if (epoch !== head.epoch) throw new WatchwordError('revocation_unavailable', 'The revocation log lost its history');
  }

  #setFresh(atMs: number): void {
    if (!this.#isClosed) this.#freshAtMs = atMs;
  }
}

function* pairsOf(flat: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index + 1 < flat.length; index += 2) yield [flat[index]!, flat[index + 1]!];
}
