/** What the clients and the service behind the gateway write down, one JSON object a line. The checker knows nothing else. */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What an order has to come to, as its sender knows it. */
export type Must =
  /** Done once; its token is good. */
  | 'run'
  /** The service says no: done, without an effect. */
  | 'be declined'
  /** The service is never there for it: a dead letter, or too old. */
  | 'fail'
  /** As `run`, unless its token was taken back before. */
  | 'run unless revoked'
  /** Its token is bad, was so when it was sent, and it must not get as far as the service. */
  | 'never run'
  /** Its idempotency key belongs to another request: it must not be accepted. */
  | 'be a conflict';

/** What the clients have to say. */
export type ClientNote =
  | {
      readonly what: 'order';
      readonly order: string;
      readonly kind: string;
      readonly must: Must;
      /** Whose token it goes with. */
      readonly subject: string;
      /** How long after its acceptance it may begin to run. */
      readonly maxAgeMs?: number | undefined;
      /** When its token ends, if that is soon. */
      readonly tokenEndsAt?: number | undefined;
    }
  /** 0: no answer was heard. With 202: `id` is the receipt. */
  | { readonly what: 'answer'; readonly order: string; readonly status: number; readonly id?: string | undefined }
  /** The gateway has confirmed that the token of this order is revoked. */
  | { readonly what: 'revoked'; readonly order: string }
  /** What the status address says. `unknown`: nothing is known there. */
  | {
      readonly what: 'end';
      readonly order: string;
      readonly id: string;
      readonly state: string;
      readonly reason?: string | undefined;
      readonly upstreamStatus?: number | undefined;
    }
  | { readonly what: 'killed' | 'started'; readonly name: string }
  /** A gateway was told to read its configuration again. 0: it did not answer. */
  | {
      readonly what: 'reloaded';
      readonly name: string;
      readonly status: number;
      readonly isGood: boolean;
      readonly detail?: string | undefined;
    };

/** A line of the clients. Times in Unix milliseconds. */
export type ClientLine = ClientNote & { readonly at: number };

/** A line of the service: one request that has arrived there. */
export interface ServiceLine {
  readonly at: number;
  readonly order: string;
  /** Delivery id. */
  readonly id: string;
  /** Whom the Txn-Token names; undefined: it was not a good one. */
  readonly subject?: string | undefined;
  /** What was answered; 0: the connection was cut. */
  readonly status: number;
  /** Whether something was done. For a delivery id that was served before, nothing is. */
  readonly isEffect: boolean;
  /** Whether the external token came along. */
  readonly isLeaking?: boolean | undefined;
}

const BUFFER_BYTES = 65_536;

/** A file that grows by lines. Whoever writes it is not killed. */
export class Journal<Line> {
  readonly #file: number;
  #waiting: string[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  add(line: Line): void {
    const text = `${JSON.stringify(line)}\n`;
    this.#waiting.push(text);
    this.#bytes += text.length;
    if (this.#bytes >= BUFFER_BYTES) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#waiting.join(''));
    this.#waiting = [];
    this.#bytes = 0;
  }
}

/** Reads what a journal has written. */
export async function* readJournal<Line>(path: string): AsyncGenerator<Line> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line !== '') yield JSON.parse(line) as Line;
  }
}
