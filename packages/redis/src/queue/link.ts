/** A connection to a server that was looked at, and is looked at again now and then for as long as it is open. */
import { WatchwordError } from '@watchword/core';
import type { Redis } from 'ioredis';
import { Connection, type ConnectionSettings } from '../connection.ts';
import { type Durability, insistOnDurability } from './durability.ts';
import { LAYOUT } from './prelude.ts';

/** What a link needs to know. */
export interface LinkSettings extends ConnectionSettings {
  readonly durability: Durability;
  readonly onWarning: (warning: string) => void;
  readonly prefix: string;
}

/** Settings can be changed while a server runs. */
const LOOK_EVERY_MS = 60_000;

export class Link {
  /** The server's clock less our monotonic one, in milliseconds. */
  readonly offsetMs: number;
  readonly #connection: Connection;
  readonly #settings: LinkSettings;
  #cancel: () => void = () => {};
  #warned: string | undefined;

  private constructor(connection: Connection, settings: LinkSettings, offsetMs: number) {
    this.#connection = connection;
    this.#settings = settings;
    this.offsetMs = offsetMs;
  }

  /** Connects. @throws as `Connection`; WatchwordError `queue_unavailable` for a server that promises too little */
  static async open(settings: LinkSettings): Promise<Link> {
    const connection = await Connection.open(settings);
    const beganMs = performance.now();
    // A server that stands still takes connections, but answers nothing: it is given no work before it has.
    const [seconds, micros] = await connection.ask((redis) => redis.time());
    const link = new Link(connection, settings, Number(seconds) * 1000 + Number(micros) / 1000 - beganMs);
    await link.#look();
    await connection.ask((redis) => insistOnLayout(redis, settings.prefix));
    return link;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** As `Connection.ask`. */
  async ask<Answer>(command: (redis: Redis) => Promise<Answer>, blockMs = 0): Promise<Answer> {
    return this.#connection.ask(command, blockMs);
  }

  close(): void {
    this.#cancel();
    this.#connection.close();
  }

  // What ends the connection is told to whoever asks next, by the look at the next one.
  async #look(): Promise<void> {
    const { durability, schedule } = this.#settings;
    await this.#connection.ask((redis) => insistOnDurability(redis, durability, (warning) => this.#warn(warning)));
    this.#cancel = schedule(() => {
      if (this.isOpen) this.#look().catch(() => {});
    }, LOOK_EVERY_MS);
  }

  // Once of each kind.
  #warn(warning: string): void {
    if (warning !== this.#warned) this.#settings.onWarning(warning);
    this.#warned = warning;
  }
}

// What another version has written would be read wrongly.
async function insistOnLayout(redis: Redis, prefix: string): Promise<void> {
  const layout = await redis.hget(`{${prefix}}:head`, 'layout');
  if (layout === null || String(layout) === LAYOUT) return;
  throw new WatchwordError('queue_unavailable', 'The queue in Redis was made by another version');
}
